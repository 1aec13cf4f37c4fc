"""What the service adds to its DynamoDB calls: a route against the same calls made bare."""

from __future__ import annotations

import base64
import copy
import re
import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from results import Result

from budgetbuddy import contract, telemetry
from budgetbuddy.api._app import build_app
from budgetbuddy.composition import build_services
from budgetbuddy.settings import load_settings
from budgetbuddy.telemetry import Telemetry
from localcloud.emulator.process import ACCOUNT_ID, REGION, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from localcloud.emulator.process import Emulator

WARM_UP, ROUNDS = 20, 120  # four routes stay within the 600 reads a person has per minute
ROWS = 120
BAR = 1.5
SENDER = "no-reply@example.com"
CODE = re.compile(r"\b[0-9A-Z]{8}\b")

Call = tuple[str, dict[str, Any]]


def measure() -> Iterator[Result]:
    """One result a route, at the median; both sides against the same embedded AWS, interleaved."""
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as emulator:
        session = boto3.session.Session(
            aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="local", region_name=REGION
        )
        calls: list[Call] = []
        _record(session, calls)
        client, token = _signed_in(_service(session, emulator), emulator)
        bare = session.client("dynamodb", endpoint_url=emulator.endpoint)
        headers = {"Authorization": f"Bearer {token}"}
        for name, path in _routes(client, headers).items():
            yield _compare(name, _getter(client, path, headers), bare, calls)


def _compare(name: str, route: Callable[[], None], bare: Any, calls: list[Call]) -> Result:
    calls.clear()
    route()
    replayed = list(calls)

    def only_dynamodb() -> None:
        for operation, parameters in replayed:
            getattr(bare, operation)(**parameters)

    ours, theirs = _interleaved(route, only_dynamodb)
    return Result(
        name=f"{name} ({len(replayed)} calls)",
        measured=f"{ours * 1_000:.2f} ms",
        baseline=f"{theirs * 1_000:.2f} ms bare",
        ratio=ours / theirs,
        bar=BAR,
    )


def _getter(client: FlaskClient, path: str, headers: dict[str, str]) -> Callable[[], None]:
    def get() -> None:
        answer = client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.json)

    return get


def _interleaved(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float]:
    """Medians in seconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for round_ in range(WARM_UP + ROUNDS):
        for side, action in enumerate((ours, theirs)):
            started = time.perf_counter()
            action()
            if round_ >= WARM_UP:
                times[side].append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


def _record(session: boto3.session.Session, calls: list[Call]) -> None:
    def remember(params: dict[str, Any], model: Any, **_: Any) -> None:
        words = re.findall("[A-Z][a-z]+", model.name)
        calls.append(("_".join(words).lower(), copy.deepcopy(params)))

    session.events.register("provide-client-params.dynamodb", remember)


def _service(session: boto3.session.Session, emulator: Emulator) -> FlaskClient:
    telemetry.configure(Telemetry(emit_metrics=False, stream=_Nowhere()))
    prefix = f"B{secrets.token_hex(4)}"
    _create_tables(session.client("dynamodb", endpoint_url=emulator.endpoint), prefix)
    kms = session.client("kms", endpoint_url=emulator.endpoint)
    session.client("ses", endpoint_url=emulator.endpoint).verify_email_identity(EmailAddress=SENDER)
    settings = load_settings(
        {
            "AWS_REGION": REGION,
            "ENVIRONMENT": "test",
            "RELEASE": "bench",
            "DATA_KEY_ID": kms.create_key()["KeyMetadata"]["KeyId"],
            "EMAIL_FROM": SENDER,
            "PUBLIC_BASE_URL": "http://127.0.0.1:8080",
            "JWT_SECRET": secrets.token_urlsafe(64),
            "JWT_KEY_ID": "k1",
            "LOOKUP_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "DYNAMODB_TABLE_PREFIX": prefix,
            "AWS_ENDPOINT_URL": emulator.endpoint,
        }
    )
    return build_app(settings, build_services(settings, session=session)).test_client()


class _Nowhere:
    """Swallows what the service prints."""

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


def _create_tables(dynamodb: Any, prefix: str) -> None:
    for spec in contract.TABLES:
        names = ["pk", "sk", *(index.sort_key for index in spec.indexes)]
        indexes = [
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.sort_key),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in spec.indexes
        ]
        dynamodb.create_table(
            TableName=f"{prefix}-{spec.name}",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            KeySchema=_keys("sk"),
            BillingMode="PAY_PER_REQUEST",
            **({"LocalSecondaryIndexes": indexes} if indexes else {}),
        )


def _keys(sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def _signed_in(client: FlaskClient, emulator: Emulator) -> tuple[FlaskClient, str]:
    person = {"email": "bench@example.com", "password": "correct staple battery 9 horse"}
    started = client.post("/api/v1/auth/register", json=person).json
    code = CODE.search(emulator.sent_mail()[-1]["BodyText"])
    assert code is not None
    body = {"registrationId": started["registrationId"], "code": code.group()}
    return client, client.post("/api/v1/auth/register/confirm", json=body).json["accessToken"]


def _routes(client: FlaskClient, headers: dict[str, str]) -> dict[str, str]:
    """Paths to measure, over one account with `ROWS` transactions of one month."""
    account = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    identifier = client.post("/api/v1/accounts", json=account, headers=headers).json["id"]
    rows = ["Date,Description,Amount"]
    rows += [f"2026-03-{day % 28 + 1:02d},Row {day},-{day}.50" for day in range(1, ROWS + 1)]
    options = f'{{"accountId": "{identifier}", "format": "csv", "dateFormat": "YYYY-MM-DD"}}'
    with tempfile.TemporaryFile() as file:
        file.write("\n".join(rows).encode())
        file.seek(0)
        done = client.post(
            "/api/v1/imports",
            data={"options": options, "file": (file, "rows.csv")},
            headers={**headers, "Idempotency-Key": secrets.token_hex(8)},
        )
    assert done.status_code == 202, done.json
    page = client.get("/api/v1/transactions?limit=50", headers=headers).json
    return {
        "get a transaction": f"/api/v1/transactions/{page['items'][0]['id']}",
        "list 50 transactions": "/api/v1/transactions?limit=50",
        "list accounts": "/api/v1/accounts",
        "month report": "/api/v1/analytics/months/2026-03?currency=EUR",
    }
