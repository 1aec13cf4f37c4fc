"""What another has answers byte for byte like what nobody has, on every path with an id."""

import secrets
from collections.abc import Callable, Iterator

import pytest

from budgetbuddy.settings import Settings, load_settings
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import NOON, Account, Caller, create_tables, environment  # noqa: TID252 - fixtures' module
from .belongings import NOT_OWNED, belongings, nobodys, opened
from .conftest import Operation

SignUp = Callable[..., Caller]


@pytest.fixture
def plaid() -> PlaidDouble:
    """Banks of few rows: they cost time."""
    return PlaidDouble(today=NOON.date, days=1)


@pytest.fixture
def settings(aws: Account, plaid: PlaidDouble) -> Iterator[Settings]:
    """Settings of a service that has Plaid."""
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(aws.sdk.client("dynamodb"), prefix)
    with plaid.serve() as url:
        names = {"DYNAMODB_TABLE_PREFIX": prefix, "DATA_KEY_ID": aws.key_id}
        bank = {"PLAID_CLIENT_ID": "client", "PLAID_SECRET": "secret", "PLAID_BASE_URL": url}
        yield load_settings(environment(**names, **bank))


def asked(caller: Caller, operation: Operation, ids: dict[str, str]) -> tuple[int, str, object]:
    """Status, body and headers of a sound request, without what differs from one to the next."""
    headers = {name.replace("-", "_"): text for name, text in operation.headers.items()}
    if "Idempotency_Key" in headers:
        headers["Idempotency_Key"] = secrets.token_hex(8)
    answer = caller(operation.method, operation.at(**ids), operation.example, **headers)
    text = answer.text.replace(answer.headers["X-Request-ID"], "R")
    for id_ in filter(None, ids.values()):
        text = text.replace(id_, "ID")
    volatile = {"X-Request-ID", "Content-Length", "RateLimit"}
    return answer.status_code, text, {k: v for k, v in answer.headers if k not in volatile}


def test_what_another_has_answers_byte_for_byte_like_what_nobody_has(
    operations: list[Operation], sign_up: SignUp, plaid: PlaidDouble
) -> None:
    owner, stranger = sign_up(), sign_up()
    theirs, missing = belongings(owner, plaid), nobodys()
    with_ids = [found for found in operations if set(found.names) - NOT_OWNED]
    public = [found for found in with_ids if found.scopes is None]
    private = [found for found in with_ids if found.scopes is not None]
    reads = [found for found in private if found.method == "GET"]
    mine = [asked(owner, found, theirs) for found in reads]

    told = {found.operation_id: asked(stranger, found, theirs) for found in private}

    assert told == {found.operation_id: asked(stranger, found, missing) for found in private}
    assert {status for status, *_ in told.values()} == {404}
    assert [found.operation_id for found in public] == ["show_erasure"]  # its id is the secret
    assert opened(stranger("GET", public[0].at(**missing)), 404)["code"] == "not_found"
    assert [asked(owner, found, theirs) for found in reads] == mine
    privately = {"show_personal_export", "fetch_personal_export"}  # books are no archive
    assert {
        found.operation_id
        for found, (status, *_) in zip(reads, mine, strict=True)
        if status not in {200, 304}
    } <= privately
