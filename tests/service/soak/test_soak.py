"""Eight threads of two users against a service that is killed all the while.

`make soak` runs the same for a minute or longer.
"""

from __future__ import annotations

import os
import random
import secrets
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from localcloud.client import Client
from localcloud.emulator.process import ACCOUNT_ID, REGION, Emulator, free_port, running

from ..conftest import SENDER, create_tables, environment  # noqa: TID252 - fixtures' module
from .entry import is_ready, made, pat_of, registered
from .hosts import Host, recover, torment
from .people import MONTH, Caller, Shared, euros
from .proof import START, prove

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.emulator

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
SEED = int(os.environ.get("SOAK_SEED", secrets.randbits(32)))
USERS, THREADS = 2, 8
SCOPES = [
    f"{area}:{right}"
    for area in ("accounts", "transactions", "goals")
    for right in ("read", "write")
] + ["analytics:read", "audit:read"]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with running(tmp_path / "emulator") as emulator:
        yield emulator


@pytest.fixture
def host(emulator: Emulator, tmp_path: Path) -> Iterator[Host]:
    def client(name: str) -> Any:
        session: Any = boto3.session.Session(
            aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="test", region_name=REGION
        )
        return session.client(name, endpoint_url=emulator.endpoint)

    prefix = f"T{secrets.token_hex(4)}"
    create_tables(client("dynamodb"), prefix)
    client("ses").verify_email_identity(EmailAddress=SENDER)
    variables = environment(
        AWS_REGION=REGION,
        DYNAMODB_TABLE_PREFIX=prefix,
        DATA_KEY_ID=client("kms").create_key()["KeyMetadata"]["KeyId"],
        AWS_ENDPOINT_URL=emulator.endpoint,
        AWS_CLOUDWATCH_ENABLED="false",
        AWS_ACCESS_KEY_ID=ACCOUNT_ID,
        AWS_SECRET_ACCESS_KEY="test",
        HOST="127.0.0.1",
        PORT=str(free_port()),
    )
    with (tmp_path / "log").open("wb") as log:
        host = Host(variables, log)
        try:
            recover(host, partial(is_ready, int(variables["PORT"])))
            yield host
        finally:
            host.stop()


def callers_of(client: Client, count: int, chance: random.Random) -> list[Caller]:
    """Callers of one user, each with an access token of its own, that share two accounts."""
    account = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    accounts = made(client, "/accounts", account), made(client, "/accounts", account)
    contested = {
        "accountId": accounts[0],
        "date": f"{MONTH}-01",
        "amount": euros(START),
        "description": "Contested",
    }
    target = {"name": "Oslo", "target": euros(99_999_999_999)}
    shared = Shared(
        accounts, made(client, "/goals", target), made(client, "/transactions", contested)
    )
    token = {"name": "Soak", "scopes": SCOPES, "expiresInDays": 1}
    return [
        Caller(
            Client(client.port, token=pat_of(client, token)),
            shared,
            random.Random(chance.random()),  # noqa: S311 - a repeatable run, no secret
        )
        for _ in range(count)
    ]


def test_nothing_acknowledged_is_lost_or_doubled_however_often_the_service_dies(
    host: Host, emulator: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(SEED)  # noqa: S311 - a repeatable run, no secret
    port = int(host.variables["PORT"])
    teams = [callers_of(registered(port, emulator), THREADS // USERS, chance) for _ in range(USERS)]
    callers = [caller for team in teams for caller in team]
    until = time.monotonic() + SECONDS

    with ThreadPoolExecutor(THREADS) as pool:
        futures = [pool.submit(caller.run, until) for caller in callers]
        torment(host, SECONDS, chance, partial(is_ready, port))
        for future in futures:
            future.result()
    for team in teams:
        prove(team)

    met = sum((caller.met for caller in callers), Counter[str]())
    with capsys.disabled():
        print(f"\nsoak seed {SEED}: {SECONDS:.0f} s, {host.kills} kills, {dict(met)}")  # noqa: T201
    assert met["operations"] > 0
    assert host.kills > 0
    assert met["unanswered"] > 0, "no kill was felt: nothing was tried"
