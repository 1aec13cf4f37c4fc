"""No route keeps a card number in any text that a client may choose."""

from typing import Any

import pytest
from flask import Flask

from budgetbuddy.api._spec import openapi_document
from budgetbuddy.domain.ids import Kind, make_id

from ..conftest import Caller  # noqa: TID252 - fixtures' module
from .belongings import belongings
from .conftest import Operation

CARD = "4111 1111 1111 1111"
# Texts that name or prove something, and are kept by digest, by another's rules, or not at all.
NO_TEXT = {
    "email",
    "newEmail",
    "password",
    "currentPassword",
    "newPassword",
    "refreshToken",
    "publicToken",
    "mfaToken",
    "registrationId",
    "resetId",
    "changeId",
    "code",
    "mfaCode",
    "url",
    "successUrl",
    "cancelUrl",
    "returnUrl",
    "redirectUri",
    "timezone",
    "institutionId",
    "accountId",
    "categoryId",
    "transactionId",
    "fromAccountId",
    "toAccountId",
    "into",
    "id",
    "plaidAccountId",
    "deviceName",
    "importId",  # banks number rows with as many digits, and one in ten such numbers would pass
}


@pytest.fixture
def schemas(app: Flask) -> dict[str, Any]:
    found: dict[str, Any] = openapi_document(app)["components"]["schemas"]
    return found


def texts(schema: dict[str, Any]) -> set[str]:
    """Top-level fields that take any text long enough for a card number."""
    found = set()
    for name, field in schema.get("properties", {}).items():
        options = [field, *field.get("anyOf", [])]
        for option in options:
            is_text = option.get("type") == "string" and not (
                option.keys() & {"pattern", "format", "enum", "const"}
            )
            if is_text and option.get("maxLength", 99) >= len(CARD):
                found.add(name)
    return found


def test_every_text_of_every_route_refuses_a_card_number(
    app: Flask, schemas: dict[str, Any], operations: list[Operation], signed_in: Caller
) -> None:
    paths = openapi_document(app)["paths"]
    tried: set[str] = set()
    mine = belongings(signed_in)
    for operation in operations:
        media = (
            paths["/api/v1" + operation.path][operation.method.lower()]
            .get("requestBody", {})
            .get("content", {})
            .get("application/json")
        )
        if media is None:
            continue
        schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
        path = operation.at(**{n: mine.get(n, make_id(Kind.GOAL)) for n in operation.names})
        sent = {name.replace("-", "_"): text for name, text in operation.headers.items()}
        for name in texts(schema) - NO_TEXT:
            known = {key: mine.get(key, value) for key, value in operation.example.items()}
            body = {**known, name: CARD}
            answer = signed_in(operation.method, path, body, **sent)
            told = (answer.status_code, (answer.json or {}).get("code"))
            assert told == (422, "card_number_detected"), (operation, name, answer.text)
            assert CARD not in answer.text
            tried.add(name)
    assert {"description", "merchant", "notes", "name", "note", "displayName"} <= tried
