"""Providers that fail at random beside people who need them, and people who do not.

`make faults` runs the same for a minute, and then also compares how long the others wait.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from budgetbuddy.contract import QUEUES
from localcloud.doubles.plaid import PlaidDouble
from localcloud.doubles.stripe import StripeDouble
from localcloud.emulator.process import ACCOUNT_ID, REGION, Emulator, free_port, running

from ..conftest import SENDER, create_tables, environment  # noqa: TID252 - fixtures' module
from ..soak.entry import is_ready, made, registered  # noqa: TID252 - the same way in
from .people import API, Bystander, Payer, Saver
from .weather import Weather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from localcloud.client import Client

pytestmark = pytest.mark.emulator

SECONDS = float(os.environ.get("FAULT_SECONDS", "4"))
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
OPEN_SECONDS = max(2.0, SECONDS / 10)
WINDOWS = 6  # calm and storm take turns, so that the machine's own weather is in both
BAD = 0.4  # of the calls in a storm; the breaker of Plaid opens at 70 %
LONG_SECONDS = 30  # shorter, and a hundredth of the requests is one or two
MOST_MIB = 250
SAVERS, BYSTANDERS = 3, 2
SETTLE_SECONDS = 90


@dataclass
class Running:
    """The service, its worker, what both call, and what they have written."""

    port: int
    processes: dict[str, subprocess.Popen[bytes]]
    logs: dict[str, Path]
    emulator: Emulator
    plaid: PlaidDouble
    stripe: StripeDouble
    weather: Weather
    queue: str
    sqs: Any

    def told(self, metric: str, dependency: str) -> list[float]:
        """Values of a metric that the service has written, oldest first."""
        found = []
        for line in self.logs["api"].read_bytes().splitlines():
            if f'"{metric}"'.encode() in line:
                record = json.loads(line)
                if record.get("Dependency") == dependency:
                    found.append(record[metric])
        return found


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    weather = Weather(random.Random(SEED))  # noqa: S311 - a repeatable run, no secret
    plaid, stripe = PlaidDouble(days=30), StripeDouble()
    plaid.faults.chance = stripe.faults.chance = weather
    with ExitStack() as stack:
        emulator = stack.enter_context(running(tmp_path / "emulator"))
        sqs = aws(emulator, "sqs")
        port, queue = free_port(), queue_of(sqs)
        urls = [stack.enter_context(double.serve()) for double in (plaid, stripe)]
        stripe.account.endpoints["we_1"] = {
            "url": f"http://127.0.0.1:{port}{API}/stripe/webhook",
            "secret": "whsec_1",
        }
        variables = variables_of(emulator, queue, urls)
        logs = {name: tmp_path / f"{name}.log" for name in ("api", "worker")}
        processes = {
            name: stack.enter_context(started(name, variables | {"PORT": str(at)}, logs[name]))
            for name, at in (("api", port), ("worker", free_port()))
        }
        wait_for(partial(is_ready, port))
        yield Running(port, processes, logs, emulator, plaid, stripe, weather, queue, sqs)


def aws(emulator: Emulator, name: str) -> Any:
    session: Any = boto3.session.Session(
        aws_access_key_id=ACCOUNT_ID, aws_secret_access_key="test", region_name=REGION
    )
    return session.client(name, endpoint_url=emulator.endpoint)


def queue_of(sqs: Any) -> str:
    """As the contract has it, and a dead-letter queue."""
    (spec,) = QUEUES
    dead = sqs.create_queue(QueueName="jobs-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = {"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": spec.max_receives}
    attributes = {
        "RedrivePolicy": json.dumps(redrive),
        "VisibilityTimeout": str(spec.visibility_seconds),
    }
    url: str = sqs.create_queue(QueueName="jobs", Attributes=attributes)["QueueUrl"]
    return url


def variables_of(emulator: Emulator, queue: str, urls: list[str]) -> dict[str, str]:
    prefix = f"T{secrets.token_hex(4)}"
    create_tables(aws(emulator, "dynamodb"), prefix)
    aws(emulator, "ses").verify_email_identity(EmailAddress=SENDER)
    return environment(
        AWS_REGION=REGION,
        DYNAMODB_TABLE_PREFIX=prefix,
        DATA_KEY_ID=aws(emulator, "kms").create_key()["KeyMetadata"]["KeyId"],
        AWS_ENDPOINT_URL=emulator.endpoint,
        AWS_ACCESS_KEY_ID=ACCOUNT_ID,
        AWS_SECRET_ACCESS_KEY="test",
        JOBS_QUEUE_URL=queue,
        PLAID_CLIENT_ID="c",
        PLAID_SECRET="s",
        PLAID_BASE_URL=urls[0],
        STRIPE_SECRET_KEY="rk_test_1",
        STRIPE_WEBHOOK_SECRETS="whsec_1",
        STRIPE_BASE_URL=urls[1],
        STRIPE_PRICES='{"plus": "price_plus"}',
        HOST="127.0.0.1",
        WORKERS="1",
        FAULT_OPEN_SECONDS=str(OPEN_SECONDS),
    )


@contextmanager
def started(name: str, variables: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    here = Path(__file__).parent
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", str(here / "target.py"), name],
            env=variables | {"PYTHONPATH": str(here), "PATH": os.environ["PATH"]},
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def wait_for(happened: Callable[[], object], seconds: float = SETTLE_SECONDS) -> None:
    pause, give_up = threading.Event(), time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < give_up
        pause.wait(0.2)


def peak_mib(process: subprocess.Popen[bytes]) -> dict[str, float]:
    """The most memory that each process below, and itself, ever had."""
    listing = subprocess.run(
        ["ps", "-g", str(process.pid), "-o", "pid="], check=True, capture_output=True, text=True
    )
    peaks = {}
    for pid in listing.stdout.split():
        status = Path(f"/proc/{pid}/status").read_text()
        peaks[pid] = int(status.split("VmHWM:")[1].split()[0]) / 1_024
    return peaks


# --- The run -------------------------------------------------------------------------------------


def storms(weather: Weather, seconds: float) -> None:
    """Calm and storm by turns; the run ends in calm."""
    pause = threading.Event()
    for number in range(WINDOWS):
        weather.bad = BAD if number % 2 else 0.0
        pause.wait(seconds / WINDOWS)
    weather.bad = 0.0


def break_and_mend(service: Running, client: Client) -> None:
    """An outage opens the breaker of Stripe; left alone for its time, it is tried and closes."""
    order = {"plan": "plus", "successUrl": PAGES, "cancelUrl": PAGES}
    service.weather.is_out = True
    answers = [client.call("POST", f"{API}/billing/checkout-sessions", order) for _ in range(8)]
    assert {answer.status for answer in answers} <= {502, 503}
    last = answers[-1]
    assert 0 < int(last.headers["retry-after"]) <= OPEN_SECONDS
    assert service.told("BreakerState", "stripe")[-1] == 2
    before = service.stripe.calls.total()
    client.call("POST", f"{API}/billing/checkout-sessions", order)
    assert service.stripe.calls.total() == before, "an open breaker was asked all the same"

    service.weather.is_out = False
    wait_for(
        lambda: client.call("POST", f"{API}/billing/checkout-sessions", order).status == 201,
        OPEN_SECONDS + 5,
    )
    for _ in range(2):
        client.call("POST", f"{API}/billing/checkout-sessions", order)
    assert service.told("BreakerState", "stripe")[-1] == 0


PAGES = "http://127.0.0.1:8080/"


def test_nothing_acknowledged_is_lost_and_nobody_else_waits_while_providers_fail(
    service: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = f"http://127.0.0.1:{service.port}{API}/plaid/webhook"
    chance = random.Random(SEED)  # noqa: S311 - a repeatable run, no secret
    enter = partial(registered, service.port, service.emulator, currency="USD")
    savers = [
        Saver(enter(), service.plaid, random.Random(chance.random()), hook)  # noqa: S311 - as above
        for _ in range(SAVERS)
    ]
    payer = Payer(enter(), service.stripe, PAGES)
    account = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    others = [
        Bystander(client, made(client, "/accounts", account), lambda: service.weather.bad > 0)
        for client in (enter() for _ in range(BYSTANDERS))
    ]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(SAVERS + BYSTANDERS + 1) as pool:
        runs = [pool.submit(person.run, until) for person in (*savers, payer, *others)]
        storms(service.weather, SECONDS)
        for run in runs:
            run.result()
    break_and_mend(service, enter())

    settle(service, savers, payer)
    prove(service, savers, payer, others)
    peaks = {name: max(peak_mib(p).values()) for name, p in service.processes.items()}
    ratios = compare(others)
    met = sum((person.met for person in (*savers, payer)), Counter[str]())
    with capsys.disabled():
        print(  # noqa: T201 - the result of a run
            f"\nfaults seed {SEED}: {SECONDS:.0f} s, {dict(met)}, felt {service.weather.felt}, "
            f"p50 and p99 in storms against calm {ratios}, peak MiB {peaks}"
        )
    assert max(peaks.values()) < MOST_MIB
    if SECONDS >= LONG_SECONDS:
        assert sum(service.weather.felt.values()) > SECONDS, "few faults: little was tried"
        assert ratios["p99"] <= 2


def compare(others: list[Bystander]) -> dict[str, float]:
    """How long people who need no provider wait in storms, as a multiple of calm."""
    calm, storm = (
        statistics.quantiles(chain.from_iterable(getattr(o, name) for o in others), n=100)
        for name in ("calm", "storm")
    )
    return {"p50": round(storm[49] / calm[49], 2), "p99": round(storm[98] / calm[98], 2)}


# --- What must be true afterwards ----------------------------------------------------------------


def settle(service: Running, savers: list[Saver], payer: Payer) -> None:
    """The worker does what is left; an operator returns what had failed too often."""
    while (found := dead_letters(service)) or not is_done(service, savers, payer):
        for message in found:
            service.sqs.send_message(QueueUrl=service.queue, MessageBody=message["Body"])
            receipt = message["ReceiptHandle"]
            service.sqs.delete_message(QueueUrl=f"{service.queue}-dlq", ReceiptHandle=receipt)
        wait_for(
            lambda: is_done(service, savers, payer) or dead_letters(service, peek=True),
        )


def dead_letters(service: Running, *, peek: bool = False) -> list[dict[str, Any]]:
    answer = service.sqs.receive_message(
        QueueUrl=f"{service.queue}-dlq",
        MaxNumberOfMessages=10,
        VisibilityTimeout=0 if peek else 30,
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def is_done(service: Running, savers: list[Saver], payer: Payer) -> bool:
    states = {b["status"] for b in service.stripe.account.subscriptions.values()}
    wanted = "plus" if states & {"trialing", "active"} else "free"
    shown = payer.client.call("GET", f"{API}/billing/entitlements").body["plan"]
    return shown == wanted and all(missing_rows(saver) == Counter() for saver in savers)


def missing_rows(saver: Saver) -> Counter[str]:
    """What the banks of a saver have and the ledger has not, or has too often."""
    mine = set(saver.linked.values())
    told = Counter(
        row["transaction_id"]
        for item in saver.items()
        if item.item_id in mine
        for _, row in item.log
    )
    booked = Counter(
        row["importId"] for row in rows(saver.client) if not row["importId"].startswith("opening:")
    )
    return (told - booked) + (booked - told)


def rows(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.call("GET", f"{API}/transactions?limit=100{cursor}").body
        found += page["items"]
        if page["nextCursor"] is None:
            return found
        cursor = f"&cursor={page['nextCursor']}"


def prove(service: Running, savers: list[Saver], payer: Payer, others: list[Bystander]) -> None:
    """Every acknowledged link and row is there, once; every figure adds up."""
    del service, payer
    for saver in savers:
        listed = saver.client.call("GET", f"{API}/plaid/items").body["items"]
        assert {item["id"] for item in listed} == set(saver.linked)
        assert set(saver.linked.values()) <= {item.item_id for item in saver.items()}
    for other in others:
        assert Counter(row["id"] for row in rows(other.client)) == Counter(other.booked)
    for person in (*savers, *others):
        for account in person.client.call("GET", f"{API}/accounts").body["items"]:
            path = f"{API}/accounts/{account['id']}/reconcile"
            assert person.client.call("GET", path).body["difference"]["amount"] == "0.00"
        assert person.client.call("GET", f"{API}/audit/me/verify").body["valid"]
