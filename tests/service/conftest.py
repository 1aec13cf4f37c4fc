"""The whole service on embedded AWS: in process on moto, or on an emulator process."""

import base64
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest
from flask import Flask
from flask.testing import FlaskClient
from iam_enforcement import Place, TaskRole
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import kms_backends
from moto.ses.models import ses_backends
from task_roles import task_documents

from budgetbuddy import contract, telemetry
from budgetbuddy.api._app import build_app
from budgetbuddy.composition import build_services
from budgetbuddy.domain.access import Role
from budgetbuddy.domain.services import Services
from budgetbuddy.gateways import outgoing
from budgetbuddy.security.passwords import Argon2Cost
from budgetbuddy.security.totp import code_at
from budgetbuddy.settings import Settings, load_settings
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.telemetry import Telemetry
from infra.naming import Names
from localcloud.emulator.process import running

REGION = "eu-central-1"
KEY_DESCRIPTION = "data key of the tests"
SENDER = "no-reply@budgetbuddy.example"
PASSWORD = "correct staple battery 9 horse"
PLATFORM_TABLES = "BudgetBuddy"
PLACE = Place(account=DEFAULT_ACCOUNT_ID, region=REGION, aliases=("alias/budgetbuddy-tokens",))
TINY = Argon2Cost(memory_kib=8, passes=1, lanes=1)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
CODE = re.compile(r"\b[0-9A-Z]{8}\b")


class ManualClock:
    """The service's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Caller:
    """A client of the API that signs its requests; paths are below `/api/v1`."""

    client: FlaskClient
    token: str = ""
    session: dict[str, Any] = field(default_factory=dict)

    def __call__(
        self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str
    ) -> Any:
        """One request; headers by keyword, `If_Match` for `If-Match`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if key:
            sent["Idempotency-Key"] = key
        arguments: dict[str, Any] = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1{path}", method=method, headers=sent, **arguments)


class Phone:
    """An authenticator app."""

    def __init__(self, secret: str, clock: ManualClock) -> None:
        self._secret = base64.b32decode(secret + "=" * (-len(secret) % 8))
        self._clock = clock

    def code(self) -> str:
        return code_at(self._secret, int(self._clock().timestamp()) // 30)

    def next_code(self) -> str:
        """A code of a later step: each is good once."""
        self._clock.advance(seconds=30)
        return self.code()


def environment(**changes: str) -> dict[str, str]:
    """Variables of a sound configuration."""
    return {
        "AWS_REGION": REGION,
        "ENVIRONMENT": "test",
        "RELEASE": "test",
        "DATA_KEY_ID": "alias/test",
        "EMAIL_FROM": SENDER,
        "PUBLIC_BASE_URL": "http://127.0.0.1:8080",
        "JWT_SECRET": "s" * 40,
        "JWT_KEY_ID": "k1",
        "LOOKUP_KEY": base64.b64encode(b"l" * 32).decode(),
        **changes,
    }


def create_tables(dynamodb: Any, prefix: str) -> None:
    """The contract's tables."""
    for spec in contract.TABLES:
        names = ["pk", "sk", *(index.sort_key for index in spec.indexes)]
        indexes = [
            {
                "IndexName": index.name,
                "KeySchema": key_schema(index.sort_key),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in spec.indexes
        ]
        dynamodb.create_table(
            TableName=f"{prefix}-{spec.name}",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            KeySchema=key_schema("sk"),
            BillingMode="PAY_PER_REQUEST",
            **({"LocalSecondaryIndexes": indexes} if indexes else {}),
        )


def key_schema(sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


@dataclass(frozen=True)
class Account:
    """The AWS account in this process: a session to make clients from, and a data key."""

    sdk: boto3.session.Session
    key_id: str


@pytest.fixture(scope="session")
def sdk() -> boto3.session.Session:
    """One session for all clients of all tests: it parses the service models once."""
    return boto3.session.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    )


@pytest.fixture
def aws(sdk: boto3.session.Session) -> Iterator[Account]:
    """An account without tables and without mail sent; its key, slow to make, is kept."""
    mock = mock_aws()
    mock.start(reset=False)
    try:
        dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
        ses_backends[DEFAULT_ACCOUNT_ID][REGION].reset()
        sdk.client("ses").verify_email_identity(EmailAddress=SENDER)
        yield Account(sdk=sdk, key_id=_data_key(sdk))
    finally:
        mock.stop(remove_data=False)


def _data_key(sdk: boto3.session.Session) -> str:
    """The id of the account's one data key, made when there is none yet."""
    for key_id, key in kms_backends[DEFAULT_ACCOUNT_ID][REGION].keys.items():
        if key.description == KEY_DESCRIPTION:
            return str(key_id)
    made = sdk.client("kms").create_key(Description=KEY_DESCRIPTION)
    return made["KeyMetadata"]["KeyId"]


@pytest.fixture(scope="session")
def task_role() -> TaskRole:
    """The API's role, as the platform renders it for this account."""
    names = Names(account_id=DEFAULT_ACCOUNT_ID, region=REGION, environment="staging")
    documents = task_documents(names, SENDER.partition("@")[2], PLATFORM_TABLES)
    return TaskRole(place=PLACE, template=documents["task-api-inline"], tables=PLATFORM_TABLES)


@pytest.fixture(scope="session")
def task_sdk(task_role: TaskRole) -> boto3.session.Session:
    """What the service makes its clients from: they may do what its role allows, and no more."""
    return task_role.restrict(
        boto3.session.Session(
            aws_access_key_id="task", aws_secret_access_key="task", region_name=REGION
        )
    )


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of an embedded AWS that lives as long as the tests."""
    with running(tmp_path_factory.mktemp("emulator")) as embedded:
        yield embedded.endpoint


@pytest.fixture
def settings(aws: Account) -> Settings:
    """Settings of a service whose tables, key and sender exist."""
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(aws.sdk.client("dynamodb"), prefix)
    return load_settings(environment(DYNAMODB_TABLE_PREFIX=prefix, DATA_KEY_ID=aws.key_id))


@pytest.fixture(scope="session", autouse=True)
def no_internet() -> Iterator[None]:
    """No name of a webhook's host is ever looked up."""

    def unknown(host: str, port: int) -> list[str]:
        raise OSError(f"{host}:{port} is not looked up by tests")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outgoing, "resolved", unknown)
        yield


@pytest.fixture
def clock() -> ManualClock:
    """The service's clock."""
    return ManualClock()


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What the service writes to standard output."""
    stream = StringIO()
    telemetry.configure(Telemetry(emit_metrics=True, stream=stream))
    yield stream
    telemetry.configure(Telemetry())


@pytest.fixture
def records(lines: StringIO) -> Callable[[], list[dict[str, Any]]]:
    """The lines written so far, decoded."""
    return lambda: [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.fixture
def wired(settings: Settings, clock: ManualClock, aws: Account) -> Services:
    """The real services, with a cheap password hash and no memory of revoked sessions."""
    return build_services(settings, clock=clock, argon2=TINY, remembered_seconds=0, session=aws.sdk)


@pytest.fixture
def restricted(
    settings: Settings, clock: ManualClock, task_sdk: boto3.session.Session, task_role: TaskRole
) -> Services:
    """The same services under the API's role: a call it does not allow is refused."""
    task_role.guard(settings.dynamodb_table_prefix)
    return build_services(
        settings, clock=clock, argon2=TINY, remembered_seconds=0, session=task_sdk
    )


@pytest.fixture(scope="session")
def built() -> Callable[[Services], Flask]:
    """The application, registered once: a request finds its services, whoever put them there."""
    apps: list[Flask] = []

    def built(services: Services) -> Flask:
        if not apps:
            apps.append(build_app(load_settings(environment()), services))
        apps[0].extensions["budgetbuddy"] = services
        return apps[0]

    return built


@pytest.fixture
def app(built: Callable[[Services], Flask], wired: Services, lines: StringIO) -> Flask:
    """The application."""
    del lines
    return built(wired)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Its test client."""
    return app.test_client()


@pytest.fixture
def anonymous(client: FlaskClient) -> Caller:
    """A caller without a token."""
    return Caller(client)


def mailed(to: str) -> list[str]:
    """Texts of the mails sent to an address, oldest first."""
    backend = ses_backends[DEFAULT_ACCOUNT_ID][REGION]
    return [m.body for m in backend.sent_messages if to in m.destinations["ToAddresses"]]


def mailed_code(to: str) -> str:
    """The code in the newest mail to an address."""
    found = CODE.search(mailed(to)[-1])
    assert found is not None
    return found.group()


@pytest.fixture
def sign_up(client: FlaskClient) -> Callable[..., Caller]:
    """Registers a new user through the API and returns their signed-in caller."""

    def sign_up(email: str = "", **fields: Any) -> Caller:
        address = email or f"{secrets.token_hex(6)}@example.com"
        nobody = Caller(client)
        started = nobody(
            "POST", "/auth/register", {"email": address, "password": PASSWORD, **fields}
        )
        assert started.status_code == 202, started.json
        body = {"registrationId": started.json["registrationId"], "code": mailed_code(address)}
        confirmed = nobody("POST", "/auth/register/confirm", body)
        assert confirmed.status_code == 201, confirmed.json
        return Caller(client, confirmed.json["accessToken"], confirmed.json)

    return sign_up


Trail = Callable[[Caller], list[str]]


def _audit_rows(wired: Services, caller: Caller, attribute: str) -> list[str]:
    store = wired.jobs._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below
    profile = store.ledger.get(profile_key(caller.session["user"]["id"]))
    return [row[attribute] for row in store.audit.query(f"AUD#{profile['subject']}")]


@pytest.fixture
def trail(wired: Services) -> Trail:
    """The audit events of a user, oldest first."""
    return lambda caller: _audit_rows(wired, caller, "ev")


@pytest.fixture
def actors(wired: Services) -> Trail:
    """Who caused the audit events of a user, oldest first."""
    return lambda caller: _audit_rows(wired, caller, "actor")


@pytest.fixture
def stored(settings: Settings) -> Callable[[], str]:
    """Everything in the tables as text, bytes included as far as they are readable."""

    def stored() -> str:
        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
        mine = [t for name, t in tables.items() if name.startswith(settings.dynamodb_table_prefix)]
        return "\n".join(str(item.to_json()) for table in mine for item in table.all_items())

    return stored


@pytest.fixture
def signed_in(sign_up: Callable[..., Caller]) -> Caller:
    """A user who has just registered."""
    return sign_up("ann@example.com", displayName="Ann")


@pytest.fixture
def sign_up_as(
    sign_up: Callable[..., Caller], wired: Services, clock: ManualClock
) -> Callable[[Role], Caller]:
    """Registers a user with a second factor and a role: `sign_up_as(Role.ADMIN)`."""

    def sign_up_as(role: Role) -> Caller:
        email = f"{secrets.token_hex(6)}@example.com"
        user = sign_up(email)
        phone = Phone(user("POST", "/auth/mfa/totp").json["secret"], clock)
        assert user("POST", "/auth/mfa/totp/confirm", {"code": phone.code()}).status_code == 200
        wired.roles.grant(user.session["user"]["id"], role, request_id="grant-in-a-test")
        nobody = Caller(user.client)
        challenge = nobody("POST", "/auth/login", {"email": email, "password": PASSWORD}).json
        proof = {"mfaToken": challenge["mfaToken"], "method": "totp", "code": phone.next_code()}
        session = nobody("POST", "/auth/mfa/verify", proof)
        assert session.status_code == 200, session.json
        return Caller(user.client, session.json["accessToken"], session.json)

    return sign_up_as
