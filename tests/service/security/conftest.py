"""Every route of the application, as the OpenAPI document has it."""

from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from budgetbuddy.api._spec import openapi_document
from budgetbuddy.domain.access import BUCKETS, Quota
from budgetbuddy.domain.services import Services


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    operation_id: str
    method: str
    path: str  # below `/api/v1`, with `{name}` for what varies
    scopes: tuple[str, ...] | None  # None: public or signed by a provider
    example: Any  # of its JSON body, None without one
    headers: dict[str, str]  # the required ones but `Authorization`

    @property
    def names(self) -> list[str]:
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]

    def at(self, **values: str) -> str:
        return self.path.format(**values)


def _example(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    media = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if media is None:
        return None
    schema = document["components"]["schemas"][media["schema"]["$ref"].rpartition("/")[2]]
    examples = [media.get("example"), schema.get("example"), *schema.get("examples", [])]
    return next(example for example in examples if example is not None)


def _headers(operation: dict[str, Any]) -> dict[str, str]:
    given = {"If-Match": '"1"', "Idempotency-Key": "k" * 20}
    return {
        parameter["name"]: given[parameter["name"]]
        for parameter in operation.get("parameters", [])
        if parameter["in"] == "header" and parameter["name"] in given
    }


@pytest.fixture
def operations(app: Flask) -> list[Operation]:
    document = openapi_document(app)
    return [
        Operation(
            operation_id=found["operationId"],
            method=method.upper(),
            path=path.removeprefix("/api/v1"),
            scopes=tuple(found["security"][0]["bearer"]) if found["security"] else None,
            example=_example(document, found),
            headers=_headers(found),
        )
        for path, item in document["paths"].items()
        for method, found in item.items()
    ]


@pytest.fixture(autouse=True)
def unlimited(wired: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits have tests of their own; here they would hide the routes."""

    def take(_: object, bucket: str, __: str) -> Quota:
        return Quota(bucket=BUCKETS[bucket], remaining=1, reset_seconds=1)

    monkeypatch.setattr(type(wired.limits), "take", take)
