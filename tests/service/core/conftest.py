"""The store's machinery alone, on moto and on an embedded AWS process."""

import secrets
import threading
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from budgetbuddy.domain.audit import GENESIS, AuditRow
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.security.envelope import Envelope
from budgetbuddy.store.commands import Commands, head_key
from budgetbuddy.store.idempotency import IdempotencyStore
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import put

from ..conftest import REGION, Account, ManualClock, create_tables  # noqa: TID252 - fixtures' module

if TYPE_CHECKING:
    import subprocess

START_SECONDS = 60


@dataclass
class Machinery:
    """Store, envelope and commands over tables of their own."""

    store: Store
    envelope: Envelope
    commands: Commands
    idempotency: IdempotencyStore
    clock: ManualClock

    def new_user(self) -> Context:
        """A context of a user who has a head and a data key."""
        user = UserRef(id=make_id(Kind.USER), subject=secrets.token_hex(16))
        self.envelope.create_key(user)
        head = {
            "pk": head_key(user.id).pk,
            "sk": head_key(user.id).sk,
            "seq": 0,
            "auditSeq": 0,
            "auditHash": GENESIS,
        }
        self.store.write(put(self.store.ledger.name, head))
        return Context(user=user, request_id="r" * 16, ip="192.0.2.1", user_agent="tests")

    def head(self, context: Context) -> dict[str, Any]:
        """The user's head as it is stored."""
        row = self.store.ledger.get(head_key(context.user.id))
        assert row is not None
        return row

    def audit(self, context: Context) -> list[dict[str, Any]]:
        """The user's audit rows, oldest first."""
        return self.store.audit.query(f"AUD#{context.user.subject}")

    def changes(self, context: Context) -> list[dict[str, Any]]:
        """The user's change feed, oldest first."""
        return self.store.ledger.query(f"CHG#{context.user.id}")

    def require_chain(self, context: Context) -> None:
        """Every audit row follows the one before, and the head knows the last."""
        previous = GENESIS
        rows = self.audit(context)
        for number, row in enumerate(rows, start=1):
            link = AuditRow(
                subject=context.user.subject,
                seq=int(row["sk"]),
                at=row["at"],
                event=row["ev"],
                actor=row["actor"],
                object=row["obj"],
                outcome=row["out"],
                sealed=row["x"],
                prev=row["prev"],
            )
            assert (link.seq, link.prev) == (number, previous)
            assert row["hash"] == link.hash()
            previous = row["hash"]
        head = self.head(context)
        assert (head["auditSeq"], head["auditHash"]) == (len(rows), previous)


def build(sdk: Any, endpoint: str | None, key_id: str = "") -> Machinery:
    """Machinery on new tables, with a new data key unless there is one."""
    config = Config(max_pool_connections=32, retries={"mode": "standard"})
    clients: dict[str, Any] = {
        name: sdk.client(
            name,
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id="000000000000",
            aws_secret_access_key="test",
            config=config,
        )
        for name in ("dynamodb", "kms")
    }
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(clients["dynamodb"], prefix)
    key = key_id or clients["kms"].create_key()["KeyMetadata"]["KeyId"]
    clock = ManualClock()
    store = Store(clients["dynamodb"], prefix, clock)
    envelope = Envelope(clients["kms"], key, lambda _: None)
    commands = Commands(store, envelope)
    return Machinery(store, envelope, commands, IdempotencyStore(store, envelope), clock)


@pytest.fixture
def moto_machinery(aws: Account) -> Machinery:
    """In process."""
    return build(aws.sdk, None, aws.key_id)


def wait_until(url: str, process: "subprocess.Popen[Any]") -> None:
    """Until `url` answers 200; raises when the process ends or a minute passes."""
    pause, give_up = threading.Event(), time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            pause.wait(0.1)
    raise RuntimeError(f"{url} does not answer")


@pytest.fixture
def emulator_machinery(sdk: Any, emulator: str) -> Machinery:
    """On the embedded AWS, whose transactions are isolated."""
    return build(sdk, emulator)


@pytest.fixture(params=["moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def machinery(request: pytest.FixtureRequest) -> Machinery:
    """The same test on both: each catches what the other lets through."""
    found: Machinery = request.getfixturevalue(f"{request.param}_machinery")
    return found
