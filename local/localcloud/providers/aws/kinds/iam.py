"""Roles, their inline and attached policies, and managed policies."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from localcloud.providers.aws.kinds.kind import (
    Kind,
    Operation,
    pairs,
    present,
    settle_tags,
    unpaired,
)

VERSIONS_KEPT = 5  # AWS limit of versions per managed policy


def _document(value: Any) -> str:
    """A policy document as text: boto3 decodes some answers and leaves others URL-encoded."""
    return json.dumps(value) if isinstance(value, dict) else unquote(str(value))


def _create_role(op: Operation) -> str:
    op.client("iam").create_role(
        RoleName=op.inputs["name"],
        AssumeRolePolicyDocument=op.inputs["assumeRolePolicy"],
        **present(
            Path=op.inputs.get("path"),
            Description=op.inputs.get("description"),
            MaxSessionDuration=op.inputs.get("maxSessionDuration"),
            PermissionsBoundary=op.inputs.get("permissionsBoundary"),
            Tags=pairs(op.tags),
        ),
    )
    return str(op.inputs["name"])


def _apply_role(op: Operation) -> None:
    iam = op.client("iam")
    iam.update_assume_role_policy(RoleName=op.id, PolicyDocument=op.inputs["assumeRolePolicy"])
    iam.update_role(
        RoleName=op.id,
        Description=op.inputs.get("description", ""),
        MaxSessionDuration=op.inputs["maxSessionDuration"],
    )
    if op.inputs.get("permissionsBoundary"):
        iam.put_role_permissions_boundary(
            RoleName=op.id, PermissionsBoundary=op.inputs["permissionsBoundary"]
        )
    elif op.olds.get("permissionsBoundary"):
        iam.delete_role_permissions_boundary(RoleName=op.id)
    settle_tags(
        unpaired(iam.list_role_tags(RoleName=op.id).get("Tags", [])),
        op.tags,
        lambda tags: iam.tag_role(RoleName=op.id, Tags=pairs(tags)),
        lambda keys: iam.untag_role(RoleName=op.id, TagKeys=keys),
    )


def _read_role(op: Operation) -> Mapping[str, Any] | None:
    iam = op.client("iam")
    role = iam.get_role(RoleName=op.id)["Role"]
    boundary = role.get("PermissionsBoundary") or {}
    return {
        "arn": role["Arn"],
        "name": role["RoleName"],
        "path": role.get("Path", "/"),
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "description": role.get("Description") or None,
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        "assumeRolePolicy": _document(role["AssumeRolePolicyDocument"]),
        "permissionsBoundary": boundary.get("PermissionsBoundaryArn"),
        "tagsAll": unpaired(iam.list_role_tags(RoleName=op.id).get("Tags", [])),
    }


def _delete_role(op: Operation) -> None:
    iam = op.client("iam")
    if op.inputs.get("forceDetachPolicies"):
        for policy in iam.list_attached_role_policies(RoleName=op.id)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=op.id, PolicyArn=policy["PolicyArn"])
        for name in iam.list_role_policies(RoleName=op.id)["PolicyNames"]:
            iam.delete_role_policy(RoleName=op.id, PolicyName=name)
    iam.delete_role(RoleName=op.id)


def _put_role_policy(op: Operation) -> str:
    role, name = op.inputs["role"], op.inputs["name"]
    op.client("iam").put_role_policy(
        RoleName=role, PolicyName=name, PolicyDocument=op.inputs["policy"]
    )
    return f"{role}:{name}"


def _apply_role_policy(op: Operation) -> None:
    _put_role_policy(op)


def _read_role_policy(op: Operation) -> Mapping[str, Any] | None:
    role, _, name = op.id.partition(":")
    found = op.client("iam").get_role_policy(RoleName=role, PolicyName=name)
    return {"role": role, "name": name, "policy": _document(found["PolicyDocument"])}


def _delete_role_policy(op: Operation) -> None:
    role, _, name = op.id.partition(":")
    op.client("iam").delete_role_policy(RoleName=role, PolicyName=name)


def _create_policy(op: Operation) -> str:
    made = op.client("iam").create_policy(
        PolicyName=op.inputs["name"],
        PolicyDocument=op.inputs["policy"],
        **present(
            Path=op.inputs.get("path"),
            Description=op.inputs.get("description"),
            Tags=pairs(op.tags),
        ),
    )
    return str(made["Policy"]["Arn"])


def _apply_policy(op: Operation) -> None:
    iam = op.client("iam")
    if op.changed("policy") and op.olds:
        versions = iam.list_policy_versions(PolicyArn=op.id)["Versions"]
        if len(versions) >= VERSIONS_KEPT:
            spare = [v for v in versions if not v["IsDefaultVersion"]]
            oldest = min(spare, key=lambda v: v["CreateDate"])
            iam.delete_policy_version(PolicyArn=op.id, VersionId=oldest["VersionId"])
        iam.create_policy_version(
            PolicyArn=op.id, PolicyDocument=op.inputs["policy"], SetAsDefault=True
        )
    settle_tags(
        unpaired(iam.list_policy_tags(PolicyArn=op.id).get("Tags", [])),
        op.tags,
        lambda tags: iam.tag_policy(PolicyArn=op.id, Tags=pairs(tags)),
        lambda keys: iam.untag_policy(PolicyArn=op.id, TagKeys=keys),
    )


def _read_policy(op: Operation) -> Mapping[str, Any] | None:
    iam = op.client("iam")
    policy = iam.get_policy(PolicyArn=op.id)["Policy"]
    version = iam.get_policy_version(PolicyArn=op.id, VersionId=policy["DefaultVersionId"])
    return {
        "arn": policy["Arn"],
        "name": policy["PolicyName"],
        "path": policy.get("Path", "/"),
        "policyId": policy["PolicyId"],
        "attachmentCount": policy.get("AttachmentCount", 0),
        "policy": _document(version["PolicyVersion"]["Document"]),
        "tagsAll": unpaired(iam.list_policy_tags(PolicyArn=op.id).get("Tags", [])),
    }


def _delete_policy(op: Operation) -> None:
    iam = op.client("iam")
    for version in iam.list_policy_versions(PolicyArn=op.id)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=op.id, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=op.id)


def _attach(op: Operation) -> str:
    role, policy = op.inputs["role"], op.inputs["policyArn"]
    op.client("iam").attach_role_policy(RoleName=role, PolicyArn=policy)
    return f"{role}/{policy}"


def _read_attachment(op: Operation) -> Mapping[str, Any] | None:
    role, _, policy = op.id.partition("/")
    attached = op.client("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    if policy not in [one["PolicyArn"] for one in attached]:
        return None
    return {"role": role, "policyArn": policy}


def _detach(op: Operation) -> None:
    role, _, policy = op.id.partition("/")
    op.client("iam").detach_role_policy(RoleName=role, PolicyArn=policy)


KINDS = {
    "aws:iam/role:Role": Kind(_create_role, _read_role, _delete_role, _apply_role),
    "aws:iam/rolePolicy:RolePolicy": Kind(
        _put_role_policy, _read_role_policy, _delete_role_policy, _apply_role_policy
    ),
    "aws:iam/policy:Policy": Kind(_create_policy, _read_policy, _delete_policy, _apply_policy),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": Kind(_attach, _read_attachment, _detach),
}
