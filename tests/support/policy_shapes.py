"""One setting, written in its other shape: split resources folded into their owner, and back.

A `Fold` takes a split resource's properties and the owner's, and returns the owner's with the
setting inline. An `Unfold` does the reverse and returns the split resources it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Props = dict[str, Any]

BUCKET = "aws:s3/bucket:Bucket"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
TABLE = "aws:ec2/routeTable:RouteTable"
ACL = "aws:ec2/networkAcl:NetworkAcl"
ROLE = "aws:iam/role:Role"
KEY = "aws:kms/key:Key"
SECRET = "aws:secretsmanager/secret:Secret"


@dataclass(frozen=True)
class Fold:
    """`kind` refers to an `owner` by `link`; the owner holds the same setting in `inline`."""

    kind: str
    link: str
    owner: str
    inline: str
    place: Callable[[Props, Props], Any]


@dataclass(frozen=True)
class Unfold:
    """The owner's `inline` setting as resources of type `kind` that refer to it by `link`."""

    owner: str
    inline: str
    kind: str
    link: str
    split: Callable[[Any], list[Props]]


def _s3(name: str) -> str:
    return f"aws:s3/b{name[1:]}:{name}"


def _lifecycle(props: Props, _: Props) -> list[Props]:
    rules = []
    for rule in props["rules"]:
        aborts = rule.get("abortIncompleteMultipartUpload", {}).get("daysAfterInitiation")
        old = rule.get("noncurrentVersionExpiration", {}).get("noncurrentDays")
        inline = {key: rule[key] for key in ("expiration", "transitions") if key in rule}
        inline |= {"enabled": rule["status"] == "Enabled"}
        inline |= {"abortIncompleteMultipartUploadDays": aborts} if aborts else {}
        inline |= {"noncurrentVersionExpiration": {"days": old}} if old else {}
        rules.append(inline)
    return rules


def _rule(props: Props) -> Props:
    """A stand-alone rule as an entry of its group."""
    lists = {
        "cidrBlocks": "cidrIpv4",
        "ipv6CidrBlocks": "cidrIpv6",
        "prefixListIds": "prefixListId",
        "securityGroups": "referencedSecurityGroupId",
    }
    entry = {name: [props[one]] for name, one in lists.items() if one in props}
    kept = {key: props[key] for key in ("fromPort", "toPort", "description") if key in props}
    return {"protocol": props["ipProtocol"], **kept, **entry}


def _added(inline: str, entry: Callable[[Props], Props]) -> Callable[[Props, Props], list[Props]]:
    return lambda props, owner: [*owner.get(inline, []), entry(props)]


def _without(*links: str) -> Callable[[Props], Props]:
    return lambda props: {key: value for key, value in props.items() if key not in links}


def _rules(entries: list[Props]) -> list[Props]:
    """Entries of a group as stand-alone rules, one for each peer."""
    lists = {
        "cidrBlocks": "cidrIpv4",
        "ipv6CidrBlocks": "cidrIpv6",
        "prefixListIds": "prefixListId",
        "securityGroups": "referencedSecurityGroupId",
    }
    found = []
    for entry in entries:
        same = {k: entry[k] for k in ("fromPort", "toPort", "description") if k in entry}
        found += [
            {"ipProtocol": entry["protocol"], **same, one: peer}
            for many, one in lists.items()
            for peer in entry.get(many, [])
        ]
    return found


FOLDS = (
    Fold(_s3("BucketVersioning"), "bucket", BUCKET, "versioning",
         lambda p, _: {"enabled": p["versioningConfiguration"]["status"] == "Enabled"}),
    Fold(_s3("BucketServerSideEncryptionConfiguration"), "bucket", BUCKET,
         "serverSideEncryptionConfiguration", lambda p, _: {"rule": p["rules"][0]}),
    Fold(_s3("BucketLifecycleConfiguration"), "bucket", BUCKET, "lifecycleRules", _lifecycle),
    Fold(_s3("BucketLogging"), "bucket", BUCKET, "logging",
         lambda p, _: {key: p[key] for key in ("targetBucket", "targetPrefix") if key in p}),
    Fold(_s3("BucketPolicy"), "bucket", BUCKET, "policy", lambda p, _: p["policy"]),
    Fold(_s3("BucketObjectLockConfiguration"), "bucket", BUCKET, "objectLockConfiguration",
         lambda p, _: {"objectLockEnabled": "Enabled", "rule": p["rule"]}),
    Fold("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "securityGroupId", GROUP,
         "ingress", _added("ingress", _rule)),
    Fold("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "securityGroupId", GROUP,
         "egress", _added("egress", _rule)),
    Fold("aws:ec2/route:Route", "routeTableId", TABLE, "routes",
         _added("routes", lambda p: {("cidrBlock" if key == "destinationCidrBlock" else key): value
                                     for key, value in p.items() if key != "routeTableId"})),
    Fold("aws:iam/rolePolicy:RolePolicy", "role", ROLE, "inlinePolicies",
         _added("inlinePolicies", _without("role"))),
    Fold("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role", ROLE, "managedPolicyArns",
         lambda p, owner: [*owner.get("managedPolicyArns", []), p["policyArn"]]),
    Fold("aws:kms/keyPolicy:KeyPolicy", "keyId", KEY, "policy", lambda p, _: p["policy"]),
    Fold("aws:secretsmanager/secretPolicy:SecretPolicy", "secretArn", SECRET, "policy",
         lambda p, _: p["policy"]),
)  # fmt: skip

UNFOLDS = (
    Unfold(GROUP, "ingress", "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
           "securityGroupId", _rules),
    Unfold(GROUP, "egress", "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
           "securityGroupId", _rules),
    Unfold(GROUP, "ingress", "aws:ec2/securityGroupRule:SecurityGroupRule", "securityGroupId",
           lambda entries: [{"type": "ingress", **entry} for entry in entries]),
    Unfold(GROUP, "egress", "aws:ec2/securityGroupRule:SecurityGroupRule", "securityGroupId",
           lambda entries: [{"type": "egress", **entry} for entry in entries]),
    Unfold(TABLE, "routes", "aws:ec2/route:Route", "routeTableId",
           lambda entries: [{("destinationCidrBlock" if key == "cidrBlock" else key): value
                             for key, value in entry.items()} for entry in entries]),
    Unfold(ACL, "ingress", "aws:ec2/networkAclRule:NetworkAclRule", "networkAclId",
           lambda entries: [_acl_rule(entry, egress=False) for entry in entries]),
    Unfold(ACL, "subnetIds", "aws:ec2/networkAclAssociation:NetworkAclAssociation", "networkAclId",
           lambda subnets: [{"subnetId": subnet} for subnet in subnets]),
    Unfold(KEY, "policy", "aws:kms/keyPolicy:KeyPolicy", "keyId",
           lambda document: [{"policy": document}]),
    Unfold(BUCKET, "policy", _s3("BucketPolicy"), "bucket",
           lambda document: [{"policy": document}]),
    Unfold(SECRET, "policy", "aws:secretsmanager/secretPolicy:SecretPolicy", "secretArn",
           lambda document: [{"policy": document, "blockPublicPolicy": True}]),
)  # fmt: skip


def _acl_rule(entry: Props, *, egress: bool) -> Props:
    names = {"action": "ruleAction", "ruleNo": "ruleNumber"}
    return {names.get(key, key): value for key, value in entry.items()} | {"egress": egress}


def folded(resources: tuple[Any, ...], fold: Fold, harness: Any) -> list[Any] | None:
    """The program with every split setting of this kind inline; None when it has none."""
    owners = {resource.urn: resource for resource in resources}
    left, changed = [], False
    for resource in resources:
        if resource.type != fold.kind:
            left.append(resource.urn)
            continue
        linked = next(iter(resource.depends.get(fold.link, [])), "")
        # A setting that names its owner by a literal gets one.
        owner = owners.get(linked) or harness.Declared(
            fold.owner, resource.name, provider=resource.provider
        )
        if owner.urn not in left:
            left.append(owner.urn)
        changed = True
        value = fold.place(resource.props, owner.props)
        refers = [u for key, urns in resource.depends.items() if key != fold.link for u in urns]
        depends = {**owner.depends, fold.inline: [*owner.depends.get(fold.inline, []), *refers]}
        props = {**owner.props, fold.inline: value}
        owners[owner.urn] = harness.replace(owner, props=props, depends=depends)
    return [owners[urn] for urn in left] if changed else None


def unfolded(resources: tuple[Any, ...], unfold: Unfold, harness: Any) -> list[Any] | None:
    """The program with every inline setting of this kind split off; None when it has none."""
    found, changed = [], False
    for resource in resources:
        if resource.type != unfold.owner or not resource.props.get(unfold.inline):
            found.append(resource)
            continue
        changed = True
        props = _without(unfold.inline)(resource.props)
        depends = _without(unfold.inline)(resource.depends)
        found.append(harness.replace(resource, props=props, depends=depends))
        refers = resource.depends.get(unfold.inline, [])
        for number, own in enumerate(unfold.split(resource.props[unfold.inline])):
            linked = {**own, unfold.link: harness.UNKNOWN}
            edges = dict.fromkeys(own, refers) | {unfold.link: [resource.urn]}
            name = f"{resource.name}-{unfold.inline}-{number}"
            found.append(harness.Declared(unfold.kind, name, linked, edges))
    return found if changed else None


def retokened(resources: tuple[Any, ...], rename: Callable[[str], str], harness: Any) -> Any:
    """The program with other type tokens for the same kinds of resource."""
    urns = {r.urn: r.urn.replace(f"::{r.type}::", f"::{rename(r.type)}::") for r in resources}
    return [
        harness.replace(
            resource,
            type=rename(resource.type),
            urn=urns[resource.urn],
            depends={key: [urns.get(u, u) for u in us] for key, us in resource.depends.items()},
        )
        for resource in resources
    ]
