"""Rules over the whole route table: nothing escapes its gate, nothing is undocumented."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from budgetbuddy import contract, create_app
from budgetbuddy.api._app import build_app
from budgetbuddy.api._operation import problems_of
from budgetbuddy.api._routes import declarations
from budgetbuddy.api._spec import openapi_document
from budgetbuddy.domain.access import Gate
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.settings import load_settings

from ..conftest import Account, environment  # noqa: TID252 - fixtures' module

OPEN = {
    "health_live",
    "health_ready",
    "actuator_health",
    "openapi_document",
    "swagger_ui",
    "swagger_ui_asset",
}
PUBLIC = {
    "register",
    "resend_registration_code",
    "confirm_registration",
    "login",
    "refresh",
    "verify_mfa",
    "forgot_password",
    "reset_password",
    "show_erasure",
}

SIGNED = {"plaid_webhook", "stripe_webhook"}  # by a provider


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    return openapi_document(app)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: {**operation, "path": path, "method": method.upper()}
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_route_declares_who_may_call_it(app: Flask) -> None:
    escaped = {name for name, found in declarations(app.view_functions).items() if found is None}

    assert escaped == OPEN


def test_the_public_routes_are_exactly_these(app: Flask) -> None:
    open_to_all: dict[Gate, set[str]] = {Gate.PUBLIC: set(), Gate.PROVIDER: set()}
    for name, found in declarations(app.view_functions).items():
        if found is not None and found.access.is_anonymous:
            open_to_all[found.access.gate].add(name.rpartition(".")[2])

    assert open_to_all == {Gate.PUBLIC: PUBLIC, Gate.PROVIDER: SIGNED}


def test_without_a_token_every_other_route_answers_401(app: Flask, client: FlaskClient) -> None:
    declared = declarations(app.view_functions)
    for rule in app.url_map.iter_rules():
        found = declared[rule.endpoint]
        if found is None or found.access.is_anonymous:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", make_id(Kind.ACCOUNT))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            answer: Any = client.open(path, method=method)
            assert (answer.status_code, answer.json["code"]) == (401, "token_missing"), path


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_the_document_has_exactly_the_routes_that_are_served(
    app: Flask, document: dict[str, Any]
) -> None:
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in OPEN
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert {(o["path"], o["method"]) for o in operations(document).values()} == served


def test_every_operation_says_who_what_and_how_it_can_fail(
    app: Flask, document: dict[str, Any]
) -> None:
    described = operations(document)
    for endpoint, found in declarations(app.view_functions).items():
        if found is None:
            continue
        operation = described[endpoint.rpartition(".")[2]]
        assert operation["summary"], endpoint
        assert operation["security"] == (
            []
            if found.access.is_anonymous
            else [{"bearer": [str(found.access.scope)] if found.access.scope else []}]
        )
        for problem in problems_of(found):
            content = operation["responses"][str(problem.status)]["content"]
            assert problem.code in content["application/problem+json"]["examples"]
        for status in found.returns:
            assert str(status) in operation["responses"]


def test_every_request_body_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for operation in operations(document).values():
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            schema = schemas[media["schema"]["$ref"].rpartition("/")[2]]
            assert "example" in schema or "examples" in schema or "example" in media, operation


def test_swagger_ui_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/swagger-ui.html")

    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.text.replace("http-equiv", "")
    for name in (
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-ui-standalone-preset.js",
        "favicon-32x32.png",
        "init.js",
    ):
        assert f"/swagger-ui/{name}" in page.text
        asset = client.get(f"/swagger-ui/{name}")
        assert asset.status_code == 200
        assert len(asset.data) > 100
    assert client.get("/swagger-ui/..%2f..%2f__init__.py").status_code == 404


def test_production_serves_no_documents(wired: Any) -> None:
    deployed = {
        "PLAID_CLIENT_ID": "client",
        "PLAID_SECRET": "secret",
        "STRIPE_SECRET_KEY": "rk_live_1",
        "STRIPE_WEBHOOK_SECRETS": "whsec_1",
        "JOBS_QUEUE_URL": "https://sqs.example.com/1/jobs",
    }
    settings = load_settings(environment(ENVIRONMENT="production", **deployed))
    client = build_app(settings, wired).test_client()

    for path in ("/openapi.json", "/swagger-ui.html", "/swagger-ui/init.js"):
        assert client.get(path).status_code == 404


def test_health_names_both_tables_and_the_alias_speaks_spring(client: FlaskClient) -> None:
    assert client.get("/health/live").json == {"status": "up"}
    assert client.get("/health/ready").json == {
        "status": "up",
        "release": "test",
        "checks": {"ledger": "up", "runtime": "up"},
    }
    assert client.get("/actuator/health").json == {"status": "UP"}


def test_without_its_tables_the_service_lives_but_is_not_ready(aws: Account) -> None:
    del aws
    client = create_app(load_settings(environment(AWS_CLOUDWATCH_ENABLED="false"))).test_client()

    assert client.get("/health/live").status_code == 200
    ready: Any = client.get("/health/ready")
    assert (ready.status_code, ready.json["status"]) == (503, "down")
    assert client.get("/actuator/health").json == {"status": "DOWN"}


def test_the_contract_needs_nothing_but_the_standard_library() -> None:
    root = Path(contract.__file__).parents[1]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import budgetbuddy.contract"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], check=False)

    assert done.returncode == 0


def test_the_contract_allows_exactly_the_calls_that_are_made() -> None:
    root = Path(contract.__file__).parent
    sources = "".join(path.read_text() for path in root.rglob("*.py"))
    called = set(re.findall(r"client\.([a-z_]+)[(,\n]", sources))
    called |= set(re.findall(r"_(?:kms|ses|sqs)\.([a-z_]+)\(", sources))
    called |= set(re.findall(r'\.of\("[a-z0-9]+"\)\s*\.([a-z0-9_]+)\(', sources))
    names = {"".join(word.title() for word in name.split("_")) for name in called}
    names.remove("TransactWriteItems")  # allowed by the actions of its items
    names.add("ConditionCheckItem")

    allowed = {action for table in contract.TABLES for action in table.actions}
    allowed |= {*contract.ENVELOPE_ACTIONS, *contract.EMAIL_ACTIONS}
    allowed |= {*contract.QUEUE_SEND_ACTIONS, *contract.QUEUE_CONSUME_ACTIONS}
    allowed |= {*contract.EVIDENCE_TABLE_ACTIONS, *contract.EVIDENCE_KEY_ACTIONS}
    allowed |= {*contract.EVIDENCE_ALARM_ACTIONS, *contract.EVIDENCE_PIPELINE_ACTIONS}
    allowed |= {*contract.EVIDENCE_BUNDLE_ACTIONS, *contract.EVIDENCE_UNSCOPED_ACTIONS}
    assert names == {action.partition(":")[2] for action in allowed}


def test_the_load_balancer_gives_up_before_the_server_does() -> None:
    assert contract.ALB_IDLE_SECONDS < contract.KEEP_ALIVE_SECONDS
