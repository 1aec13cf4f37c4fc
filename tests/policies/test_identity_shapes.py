"""Who may act for whom, in the shapes that AWS accepts."""

import json
from typing import Any

import pytest

from guardrails.verdicts import Verdict


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        ({"principal": "s3.amazonaws.com"}, Verdict.FAIL),
        ({"principal": "s3.amazonaws.com", "sourceAccount": "111122223333"}, Verdict.PASS),
        ({"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::exports"}, Verdict.PASS),
        ({"principal": "*"}, Verdict.FAIL),
        ({"principal": "*", "principalOrgId": "o-1"}, Verdict.PASS),
        ({"principal": "111122223333"}, Verdict.PASS),
    ],
    ids=["service", "account", "arn", "anyone", "organisation", "an account"],
)
def test_a_function_is_called_for_a_named_source_only(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    permission = harness.Declared("aws:lambda/permission:Permission", "p", props)

    assert harness.verdict("IAM-09", permission) == {expected}


ROLE = "aws:iam/role:Role"
BOUNDED = {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/limit"}}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([allow("iam:PutRolePolicy")], Verdict.FAIL),
        ([allow("iam:Put*")], Verdict.FAIL),
        ([allow("iam:PutRolePolicy", resource="arn:aws:iam::1:role/app-*")], Verdict.FAIL),
        ([allow("iam:PutRolePolicy", resource="arn:aws:iam::1:role/app")], Verdict.PASS),
        ([allow("iam:PutRolePolicy", Condition=BOUNDED)], Verdict.PASS),
        ([allow("iam:CreateRole", resource="arn:aws:iam::1:role/app")], Verdict.FAIL),
        ([allow("iam:PassRole", "ec2:RunInstances")], Verdict.FAIL),
        ([allow("iam:PassRole"), allow("ec2:RunInstances")], Verdict.FAIL),
        (
            [allow("iam:PassRole", resource="arn:aws:iam::1:role/app"), allow("ec2:RunInstances")],
            Verdict.PASS,
        ),
        ([allow("iam:PassRole"), allow("ec2:StopInstances")], Verdict.PASS),
        ([{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}], Verdict.PASS),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], Verdict.FAIL),
    ],
    ids=["one", "wildcard", "prefix", "named", "bounded", "unbounded role", "pair",
         "pair in two", "named role", "half", "denied", "everything else"],
)  # fmt: skip
def test_ways_to_more_rights_are_recognised(
    harness: Any, statements: list[dict[str, Any]], expected: Verdict
) -> None:
    policy = harness.Declared(
        "aws:iam/rolePolicy:RolePolicy", "p", {"policy": document(*statements)}
    )

    assert harness.verdict("IAM-04", policy) == {expected}


@pytest.mark.parametrize("attached", [True, False], ids=["attached", "inline"])
def test_two_harmless_policies_of_one_role_are_seen_together(harness: Any, attached: Any) -> None:
    role = harness.Declared(ROLE, "r", {})
    first = harness.Declared(
        "aws:iam/rolePolicy:RolePolicy",
        "first",
        {"policy": document(allow("iam:PassRole"))},
        {"role": [role.urn]},
    )
    kind = "policy:Policy" if attached else "rolePolicy:RolePolicy"
    second = harness.Declared(
        f"aws:iam/{kind}",
        "second",
        {"policy": document(allow("ec2:RunInstances"))},
        {} if attached else {"role": [role.urn]},
    )
    link = harness.Declared(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "link",
        {},
        {"role": [role.urn], "policyArn": [second.urn]},
    )
    declared = [role, first, second, *([link] if attached else [])]

    records = harness.Bench([harness.controls["IAM-04"]]).run(declared)

    assert {r.urn for r in records if r.verdict is Verdict.FAIL} == {role.urn}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (allow("secretsmanager:GetSecretValue"), Verdict.FAIL),
        (allow("dynamodb:*"), Verdict.FAIL),
        (allow("s3:GetObject", resource="arn:aws:s3:::exports/*"), Verdict.PASS),
        (allow("kms:Decrypt", Condition={"StringEquals": {"kms:ViaService": "s3"}}), Verdict.PASS),
        (allow("s3:ListAllMyBuckets"), Verdict.PASS),
    ],
    ids=["secrets", "wildcard", "named", "conditioned", "harmless"],
)
def test_data_of_every_resource_is_not_readable(
    harness: Any, statement: dict[str, Any], expected: Verdict
) -> None:
    policy = harness.Declared("aws:iam/policy:Policy", "p", {"policy": document(statement)})

    assert harness.verdict("IAM-05", policy) == {expected}


ISSUER = "gitlab.example"


def trust(principal: dict[str, str], **conditions: dict[str, Any]) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return {"assumeRolePolicy": document(statement | {"Condition": conditions})}


@pytest.mark.parametrize(
    ("operator", "subject", "expected"),
    [
        ("StringEquals", "project_path:acme/app:ref_type:branch:ref:main", Verdict.PASS),
        ("StringLike", "project_path:acme/app:*", Verdict.PASS),
        ("StringLike", "project_path:acme/*", Verdict.FAIL),
        ("StringLike", "*", Verdict.FAIL),
        ("StringNotEquals", "project_path:acme/app", Verdict.FAIL),
        ("StringEquals", None, Verdict.FAIL),
    ],
    ids=["branch", "any branch", "any project", "anything", "all but", "none"],
)
def test_a_token_is_pinned_to_one_repository(
    harness: Any, operator: str, subject: str | None, expected: Verdict
) -> None:
    provider = {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"}
    pinned = {f"{ISSUER}:sub": subject} if subject else {}
    audience = {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"}}
    conditions = audience | {operator: audience.get(operator, {}) | pinned}

    role = harness.Declared(ROLE, "r", trust(provider, **conditions))

    assert harness.verdict("IAM-12", role) == {expected}


FACTOR = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


@pytest.mark.parametrize(
    ("props", "expected"),
    [
        (trust({"AWS": "arn:aws:iam::111122223333:root"}, **FACTOR), Verdict.PASS),
        (trust({"AWS": "111122223333"}), Verdict.FAIL),
        (trust({"AWS": "arn:aws:iam::111122223333:user/alice"}), Verdict.FAIL),
        (
            trust({"AWS": "111122223333"}, BoolIfExists={"aws:MultiFactorAuthPresent": "true"}),
            Verdict.FAIL,
        ),
        (
            trust({"AWS": "111122223333"}, NumericLessThan={"aws:MultiFactorAuthAge": "3600"}),
            Verdict.PASS,
        ),
        (trust({"Federated": "arn:aws:iam::111122223333:saml-provider/people"}), Verdict.PASS),
        (
            trust({"Federated": "arn:aws:iam::111122223333:saml-provider/people"})
            | {"maxSessionDuration": 43200},
            Verdict.FAIL,
        ),
        (trust({"AWS": "arn:aws:iam::111122223333:role/app"}), Verdict.NOT_APPLICABLE),
        (trust({"Service": "ec2.amazonaws.com"}), Verdict.NOT_APPLICABLE),
    ],
    ids=["factor", "account", "user", "if exists", "age", "identity provider", "half a day",
         "role", "service"],
)  # fmt: skip
def test_people_prove_themselves_twice(
    harness: Any, props: dict[str, Any], expected: Verdict
) -> None:
    assert harness.verdict("IAM-13", harness.Declared(ROLE, "r", props)) == {expected}
