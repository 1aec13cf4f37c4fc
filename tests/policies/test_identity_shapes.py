"""Who may act for whom, in the shapes that AWS accepts."""

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
