"""The OpenAPI document: what flask-openapi3 collects, and what all routes have in common."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_openapi3.models.info import Info
from flask_openapi3.models.server import Server
from flask_openapi3.openapi import OpenAPI

from budgetbuddy.api._declaration import Declaration
from budgetbuddy.api._operation import BEARER, PROBLEM_JSON, ProblemDocument
from budgetbuddy.api._routes import declarations
from budgetbuddy.settings import Settings

VERSION = "1.0.0"
DESCRIPTION = """A person's money records, exact and private.

Money is a decimal string with its currency; negative is outflow. Every error is
`application/problem+json` with a stable `code`. Lists are paged by signed cursors. Changes name the
version they change (`If-Match`), and writes can be repeated safely (`Idempotency-Key`).
"""
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The version to change, as `ETag` gave it.",
    "schema": {"type": "string", "pattern": '^"(0|[1-9][0-9]{0,15})"$'},
    "example": '"1"',
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "`*`: create, and refuse to replace.",
    "schema": {"type": "string", "pattern": r"^\*$"},  # generators take no constant in a header
    "example": "*",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Makes a repeated request safe: the first answer is replayed for 24 hours.",
    "schema": {"type": "string", "pattern": "^[!-~]{8,128}$"},
    "example": "7d0f6f1c-0c9f-4a55-9a6e-6f3b1d0c7c11",
}
_SIGNATURE = {
    "in": "header",
    "required": True,
    "description": "The provider's signature over the body.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 4_096},
}


def openapi_arguments(settings: Settings) -> dict[str, Any]:
    """Constructor arguments of the application."""
    return {
        "info": Info(title="BudgetBuddy", version=VERSION, description=DESCRIPTION),
        "servers": [Server(url=str(settings.public_base_url).rstrip("/"))],
        "security_schemes": {
            BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        },
        "validation_error_model": ProblemDocument,
        "doc_ui": False,
        "static_folder": None,
    }


def openapi_document(app: Flask) -> dict[str, Any]:
    """OpenAPI 3.1, with the header parameters that declarations imply."""
    if not isinstance(app, OpenAPI):
        raise TypeError("the application is not an OpenAPI one")
    document: dict[str, Any] = app.api_doc
    by_name = {
        declaration_name(endpoint): declaration
        for endpoint, declaration in declarations(app.view_functions).items()
        if declaration is not None
    }
    for path in document["paths"].values():
        for operation in path.values():
            declaration = by_name[operation["operationId"]]
            operation["parameters"] = _parameters(operation, declaration)
            operation.setdefault("security", [])  # public, said out loud
            _share_examples(operation, document["components"])
    return document


def _share_examples(operation: Mapping[str, Any], components: dict[str, Any]) -> None:
    """Each problem's example stands once, and is referred to wherever the problem can occur."""
    shared = components.setdefault("examples", {})
    for response in operation["responses"].values():
        examples = response.get("content", {}).get(PROBLEM_JSON, {}).get("examples", {})
        for code, example in examples.items():
            if "$ref" not in example:
                shared[code] = example
                examples[code] = {"$ref": f"#/components/examples/{code}"}


def declaration_name(endpoint: str) -> str:
    """The operation id of an endpoint: its function's name."""
    return endpoint.rpartition(".")[2]


def _parameters(operation: Mapping[str, Any], declared: Declaration) -> list[Mapping[str, Any]]:
    kept = [p for p in operation.get("parameters", ()) if p["in"] != "header"]
    if declared.if_match:
        kept.append(_IF_MATCH)
    if declared.upsert:
        kept += [{**_IF_MATCH, "required": False}, _IF_NONE_MATCH]
    if declared.signed_by is not None:
        kept.append({**_SIGNATURE, "name": declared.signed_by})
    if declared.idempotency != "none":
        kept.append({**_IDEMPOTENCY_KEY, "required": declared.idempotency == "I!"})
    return kept
