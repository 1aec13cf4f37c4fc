"""The API's role: what its document allows, and that the service under it is held to it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from iam_enforcement import Place, Request, TaskRole, is_allowed, requests_of

from budgetbuddy import contract
from budgetbuddy.domain.services import Services

PLACE = Place(account="123456789012", region="eu-central-1", aliases=("alias/budgetbuddy-tokens",))
LEDGER = PLACE.arn("dynamodb", "table/BudgetBuddy-Ledger")
AUDIT = PLACE.arn("dynamodb", "table/BudgetBuddy-Audit")


@pytest.fixture
def document(task_role: TaskRole) -> list[dict[str, Any]]:
    """The document as the platform renders it."""
    statements: list[dict[str, Any]] = json.loads(task_role.template)["Statement"]
    return statements


def asked(service: str, operation: str, **params: Any) -> list[tuple[str, str]]:
    found = requests_of(PLACE, service, operation, params)
    return [(each.action, each.resource.rpartition(":")[2]) for each in found]


@pytest.mark.parametrize(
    ("service", "operation", "params", "requests"),
    [
        ("dynamodb", "GetItem", {"TableName": "T"}, [("dynamodb:GetItem", "table/T")]),
        (
            "dynamodb",
            "Query",
            {"TableName": "T", "IndexName": "i"},
            [("dynamodb:Query", "table/T/index/i")],
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "A"}},
                    {"ConditionCheck": {"TableName": "B"}},
                ]
            },
            [("dynamodb:PutItem", "table/A"), ("dynamodb:ConditionCheckItem", "table/B")],
        ),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"A": {}, "B": {}}},
            [("dynamodb:BatchGetItem", "table/A"), ("dynamodb:BatchGetItem", "table/B")],
        ),
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": "https://sqs/1/budgetbuddy-jobs"},
            [("sqs:SendMessage", "budgetbuddy-jobs")],
        ),
        ("ses", "SendEmail", {"Source": "no-reply@x.org"}, [("ses:SendEmail", "identity/x.org")]),
    ],
)
def test_a_call_is_the_requests_that_iam_judges(
    service: str, operation: str, params: dict[str, Any], requests: list[tuple[str, str]]
) -> None:
    assert asked(service, operation, **params) == requests


def test_a_service_that_nobody_thought_of_is_an_error() -> None:
    with pytest.raises(LookupError, match="s3:GetObject"):
        asked("s3", "GetObject", Bucket="b")


@pytest.mark.parametrize(
    ("action", "resource", "context", "allowed"),
    [
        ("dynamodb:UpdateItem", LEDGER, {}, True),
        ("dynamodb:Scan", LEDGER, {}, False),
        ("dynamodb:GetItem", PLACE.arn("dynamodb", "table/Others"), {}, False),
        ("dynamodb:PutItem", AUDIT, {}, True),
        ("dynamodb:UpdateItem", AUDIT, {}, False),
        ("dynamodb:DeleteItem", AUDIT, {}, False),
        ("sqs:SendMessage", PLACE.arn("sqs", "budgetbuddy-jobs"), {}, True),
        ("sqs:ReceiveMessage", PLACE.arn("sqs", "budgetbuddy-jobs"), {}, False),
        ("sqs:SendMessage", PLACE.arn("sqs", "budgetbuddy-jobs-dlq"), {}, False),
    ],
)
def test_the_role_allows_the_contract_and_nothing_beside_it(
    document: list[dict[str, Any]],
    action: str,
    resource: str,
    context: dict[str, tuple[str, ...]],
    *,
    allowed: bool,
) -> None:
    request = Request(action=action, resource=resource, context=context)

    assert is_allowed(document, request) is allowed


def test_a_users_key_is_opened_for_its_purpose_with_its_own_key_only(
    document: list[dict[str, Any]],
) -> None:
    def may(purpose: str, alias: str) -> bool:
        context = {
            "kms:EncryptionContext:purpose": (purpose,),
            "kms:ResourceAliases": (alias,),
        }
        request = Request(action="kms:Decrypt", resource=PLACE.arn("kms", "key/1"), context=context)
        return is_allowed(document, request)

    assert may(contract.ENVELOPE_PURPOSE, "alias/budgetbuddy-tokens")
    assert not may("another purpose", "alias/budgetbuddy-tokens")
    assert not may(contract.ENVELOPE_PURPOSE, "alias/budgetbuddy-ledger")


def test_mail_leaves_from_one_address_only(document: list[dict[str, Any]]) -> None:
    def may(sender: str) -> bool:
        (request,) = requests_of(PLACE, "ses", "SendEmail", {"Source": sender})
        return is_allowed(document, request)

    assert may("no-reply@budgetbuddy.example")
    assert not may("ceo@budgetbuddy.example")


def test_the_restricted_service_is_held_to_its_role(restricted: Services) -> None:
    client = restricted.jobs._store.client  # type: ignore[attr-defined]  # noqa: SLF001 - its SDK

    with pytest.raises(ClientError, match="dynamodb:Scan"):
        client.scan(TableName="BudgetBuddy-Ledger")


def sources() -> str:
    root = Path(contract.__file__).parent
    return "".join(path.read_text() for path in root.rglob("*.py"))


def test_clients_are_made_for_these_services_only() -> None:
    made = set(re.findall(r'_client\(aws, settings, "(\w+)"', sources()))

    assert made == {"dynamodb", "kms", "ses", "sqs"}
