"""Firewalls, load balancers, tables and backups in the shapes that programs write them."""

from collections.abc import Mapping
from typing import Any

import pytest

from guardrails.verdicts import Verdict

TABLE = "aws:dynamodb/table:Table"
CORE = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")
BY_HEADER = {"byteMatchStatement": {"fieldToMatch": {"singleHeader": {"name": "x-edge"}}}}


def counting(**tags: str) -> dict[str, Any]:
    rules = [
        {
            "overrideAction": {"count": {}},
            "statement": {"managedRuleGroupStatement": {"vendorName": "AWS", "name": name}},
        }
        for name in CORE
    ]
    return {"rules": rules, "tags": tags}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, Verdict.FAIL),
        ({"env": "production"}, Verdict.FAIL),
        ({"env": "staging"}, Verdict.FAIL),
        ({"env": "local"}, Verdict.PASS),
    ],
)
def test_groups_may_only_count_where_nobody_is_protected(
    harness: Any, tags: dict[str, str], expected: Verdict
) -> None:
    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "acl", counting(**tags))

    assert harness.verdict("WAF-03", acl) == {expected}


def test_one_rule_of_a_group_may_count(harness: Any) -> None:
    props = counting(env="production")
    for rule in props["rules"]:
        rule["overrideAction"] = {"none": {}}
        group = rule["statement"]["managedRuleGroupStatement"]
        group["ruleActionOverrides"] = [{"name": "SizeRestrictions_BODY"}]

    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "acl", props)

    assert harness.verdict("WAF-03", acl) == {Verdict.PASS}


@pytest.mark.parametrize("module", ["lb", "alb"])
def test_access_logs_are_asked_of_every_token(harness: Any, module: str) -> None:
    def one(**props: Any) -> Any:
        token = f"aws:{module}/loadBalancer:LoadBalancer"
        return harness.verdict("LB-04", harness.Declared(token, "b", props))

    assert one() == {Verdict.FAIL}
    assert one(accessLogs={"enabled": False, "bucket": "logs"}) == {Verdict.FAIL}
    assert one(loadBalancerType="gateway") == {Verdict.NOT_APPLICABLE}


def fronted(harness: Any, *others: Any, alias: Any = None) -> list[Any]:
    """A load balancer behind a distribution, directly or by the name of a record."""
    balancer = harness.Declared("aws:lb/loadBalancer:LoadBalancer", "b", {})
    record = harness.Declared(
        "aws:route53/record:Record",
        "r",
        {"name": "origin.example", "aliases": [{"name": harness.UNKNOWN}]},
        {"aliases": [balancer.urn]},
    )
    edge = harness.Declared(
        "aws:cloudfront/distribution:Distribution",
        "d",
        {"origins": [{"domainName": "origin.example" if alias else harness.UNKNOWN}]},
        {"origins": [] if alias else [balancer.urn]},
    )
    return [balancer, record, edge, *(make(balancer) for make in others)]


@pytest.mark.parametrize("alias", [True, False], ids=["by record", "directly"])
def test_a_way_around_the_distribution_is_found(harness: Any, alias: Any) -> None:
    assert harness.verdict("LB-10", *fronted(harness, alias=alias)) == {Verdict.FAIL}


def test_a_balancer_without_distribution_is_out_of_scope(harness: Any) -> None:
    balancer = harness.Declared("aws:lb/loadBalancer:LoadBalancer", "b", {})

    assert harness.verdict("LB-10", balancer) == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize(
    ("default", "conditions", "expected"),
    [
        ("fixed-response", [{"httpHeader": {"httpHeaderName": "x-edge"}}], Verdict.PASS),
        ("fixed-response", [{"pathPattern": {"values": ["/*"]}}], Verdict.FAIL),
        ("forward", [{"httpHeader": {"httpHeaderName": "x-edge"}}], Verdict.FAIL),
    ],
    ids=["header", "path", "forwards by default"],
)
def test_a_listener_may_ask_for_the_header(
    harness: Any, default: str, conditions: list[Any], expected: Verdict
) -> None:
    listener = harness.Declared(
        "aws:lb/listener:Listener",
        "l",
        {"protocol": "HTTPS", "defaultActions": [{"type": default}]},
    )
    rule = harness.Declared(
        "aws:lb/listenerRule:ListenerRule",
        "rule",
        {"conditions": conditions},
        {"listenerArn": [listener.urn]},
    )

    def linked(balancer: Any) -> Any:
        return harness.replace(listener, depends={"loadBalancerArn": [balancer.urn]})

    assert harness.verdict("LB-10", *fronted(harness, linked, lambda _: rule)) == {expected}


BY_ADDRESS = {"ipSetReferenceStatement": {"arn": "arn:own"}}


def unless_one_of(*choices: Mapping[str, Any]) -> dict[str, Any]:
    statement = {"notStatement": {"statement": {"orStatement": {"statements": [*choices]}}}}
    rule = {"action": {"block": {}}, "statement": statement}
    return {"defaultAction": {"allow": {}}, "rules": [rule]}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"defaultAction": {"block": {}}, "rules": [{"statement": BY_HEADER}]}, Verdict.PASS),
        ({"defaultAction": {"allow": {}}, "rules": [{"statement": BY_HEADER}]}, Verdict.FAIL),
        ({"defaultAction": {"allow": {}}, "rules": [{
            "action": {"block": {}},
            "statement": {"notStatement": {"statement": BY_HEADER}}}]}, Verdict.PASS),
        ({"defaultAction": {"allow": {}}, "rules": [{
            "action": {"count": {}},
            "statement": {"notStatement": {"statement": BY_HEADER}}}]}, Verdict.FAIL),
        (unless_one_of(BY_HEADER, BY_HEADER, BY_ADDRESS), Verdict.PASS),
        (unless_one_of(BY_ADDRESS), Verdict.FAIL),
        (unless_one_of(BY_HEADER, {"geoMatchStatement": {"countryCodes": ["NL"]}}), Verdict.FAIL),
    ],
    ids=[
        "blocks by default", "allows", "blocks without", "counts", "or known addresses",
        "addresses alone", "or anything else",
    ],
)  # fmt: skip
def test_a_web_acl_may_ask_for_the_header(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    acl = harness.Declared("aws:wafv2/webAcl:WebAcl", "acl", props)

    def link(balancer: Any) -> Any:
        return harness.Declared(
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            "link",
            {},
            {"resourceArn": [balancer.urn], "webAclArn": [acl.urn]},
        )

    assert harness.verdict("LB-10", *fronted(harness, link, lambda _: acl)) == {expected}


@pytest.mark.parametrize(
    ("override", "expected"), [("none", Verdict.PASS), ("count", Verdict.FAIL)]
)
def test_the_header_may_be_asked_for_in_a_group_of_rules(
    harness: Any, override: str, expected: Verdict
) -> None:
    rules = unless_one_of(BY_HEADER, BY_ADDRESS)["rules"]
    group = harness.Declared("aws:wafv2/ruleGroup:RuleGroup", "lock", {"rules": rules})
    referring = {
        "overrideAction": {override: {}},
        "statement": {"ruleGroupReferenceStatement": {"arn": "arn:lock"}},
    }
    acl = harness.Declared(
        "aws:wafv2/webAcl:WebAcl",
        "acl",
        {"defaultAction": {"allow": {}}, "rules": [referring]},
        {"rules": [group.urn]},
    )

    def link(balancer: Any) -> Any:
        return harness.Declared(
            "aws:wafv2/webAclAssociation:WebAclAssociation",
            "link",
            {},
            {"resourceArn": [balancer.urn], "webAclArn": [acl.urn]},
        )

    judged = fronted(harness, link, lambda _: acl, lambda _: group)
    assert harness.verdict("LB-10", *judged) == {expected}


def backed_up(harness: Any, selection: dict[str, Any], **tags: str) -> list[Any]:
    table = harness.Declared(TABLE, "t", {"name": "orders", "tags": tags})
    vault = harness.Declared("aws:backup/vault:Vault", "v", {"kmsKeyArn": "arn:k"})
    plan = harness.Declared("aws:backup/plan:Plan", "p", {}, {"rules": [vault.urn]})
    chosen = harness.Declared(
        "aws:backup/selection:Selection", "s", selection, {"planId": [plan.urn]}
    )
    return [table, vault, plan, chosen]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"resources": ["*"]}, Verdict.PASS),
        ({"resources": ["arn:aws:dynamodb:*:*:table/*"]}, Verdict.PASS),
        ({"resources": ["arn:aws:dynamodb:*:*:table/cards*"]}, Verdict.FAIL),
        ({"resources": ["arn:aws:ec2:*:*:volume/*"]}, Verdict.FAIL),
        ({"selectionTags": [{"key": "backup", "value": "daily"}]}, Verdict.PASS),
        ({"selectionTags": [{"key": "backup", "value": "weekly"}]}, Verdict.FAIL),
    ],
    ids=["all", "all tables", "other tables", "volumes", "tag", "another tag"],
)
def test_a_table_is_selected_by_pattern_or_by_tag(
    harness: Any, selection: dict[str, Any], expected: Verdict
) -> None:
    declared = backed_up(harness, selection, backup="daily")

    assert harness.verdict("DDB-04", *declared) == {expected}


def test_a_table_may_declare_that_it_needs_no_backup(harness: Any) -> None:
    table = harness.Declared(TABLE, "t", {"tags": {"backup": "none"}})

    assert harness.verdict("DDB-04", table) == {Verdict.NOT_APPLICABLE}


def scaled(harness: Any, dimension: str, **props: Any) -> Any:
    return harness.Declared(
        "aws:appautoscaling/target:Target",
        dimension,
        {"scalableDimension": f"dynamodb:table:{dimension}CapacityUnits", **props},
    )


def test_both_dimensions_of_a_provisioned_table_are_scaled(harness: Any) -> None:
    table = harness.Declared(TABLE, "t", {"name": "orders"})
    read, write = (scaled(harness, d, resourceId="table/orders") for d in ("Read", "Write"))

    assert harness.verdict("DDB-05", table) == {Verdict.FAIL}
    assert harness.verdict("DDB-05", table, read) == {Verdict.FAIL}
    assert harness.verdict("DDB-05", table, read, write) == {Verdict.PASS}


def test_a_copy_in_the_same_region_is_no_second_place(harness: Any) -> None:
    home = harness.Declared("pulumi:providers:aws", "home", {"region": "eu-west-1"})
    vault = harness.Declared("aws:backup/vault:Vault", "v", {"name": "main"}, provider=home)

    def plan(region: str) -> set[Verdict]:
        arn = f"arn:aws:backup:{region}:111122223333:backup-vault:copy"
        rule = {"targetVaultName": "main", "copyActions": [{"destinationVaultArn": arn}]}
        one = harness.Declared("aws:backup/plan:Plan", "p", {"rules": [rule]})
        records = harness.Bench([harness.controls["ACC-04"]]).run([vault, one])
        return {r.verdict for r in records if r.urn == one.urn}

    assert plan("eu-west-1") == {Verdict.FAIL}
    assert plan("eu-central-1") == {Verdict.PASS}
