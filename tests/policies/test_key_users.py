"""KMS-04: who a key policy means when it names the account and then one role of it."""

from typing import Any

import pytest

from guardrails.registry import registry
from guardrails.verdicts import Verdict, merged

KEY = """
account = {"AWS": "arn:aws:iam::123456789012:root"}
statements = [
    {"Effect": "Allow", "Principal": account, "Action": "kms:PutKeyPolicy", "Resource": "*"},
    {
        "Effect": "Allow",
        "Principal": account,
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": CONDITION,
    },
]
aws.kms.Key("one", policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))
"""
ROLE = "arn:aws:iam::123456789012:role/service"
CASES = [
    pytest.param({"ArnEquals": {"aws:PrincipalArn": ROLE}}, Verdict.PASS, id="one role"),
    pytest.param({"ArnLike": {"aws:PrincipalArn": "*"}}, Verdict.FAIL, id="any role"),
    pytest.param({"ArnNotEquals": {"aws:PrincipalArn": ROLE}}, Verdict.FAIL, id="all but one"),
    pytest.param(
        {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:root"}},
        Verdict.FAIL,
        id="the administrator again",
    ),
]


@pytest.mark.parametrize(("condition", "expected"), CASES)
def test_a_condition_on_the_caller_names_the_user(
    harness: Any, condition: dict[str, Any], expected: Verdict
) -> None:
    control = registry()["KMS-04"]
    resources = harness.record(KEY.replace("CONDITION", repr(condition)))
    records = merged(harness.Bench([control]).run(resources))

    mine = [each for each in records if each.control == "KMS-04" and "key:Key" in each.urn]
    assert [each.verdict for each in mine] == [expected]
