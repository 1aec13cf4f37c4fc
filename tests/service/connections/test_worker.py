"""The worker on a queue: once, again, and in the end beside the queue; nothing is lost."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from budgetbuddy import contract
from budgetbuddy.domain.deadline import deadline
from budgetbuddy.domain.messages import (
    STEP_SECONDS,
    Handler,
    Handlers,
    Message,
    MessageKind,
    MessageUnreadable,
    decode,
)
from budgetbuddy.domain.services import Services
from budgetbuddy.gateways.queue import Inbox, SqsQueue
from budgetbuddy.gateways.resilience import SQS, Guard
from budgetbuddy.health import is_alive
from budgetbuddy.problems import Unavailable, UpstreamUnavailable
from budgetbuddy.settings import EX_CONFIG
from budgetbuddy.worker import (
    LONGEST_RETRY_SECONDS,
    SILENT_SECONDS,
    Worker,
    health_server,
    retry_seconds,
)
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import Account, environment  # noqa: TID252 - fixtures' module
from ..core.conftest import wait_until  # noqa: TID252 - a wait for processes
from .conftest import Linked, ManualTime

Records = Callable[[], list[dict[str, Any]]]
SYNC = Message(kind=MessageKind.BANK_EVENT, data={"id": "1"}, request_id="abcdefgh")


@pytest.fixture
def queue_url(aws: Account) -> Iterator[str]:
    """A queue whose messages come again at once, and at most twice."""
    sqs = aws.sdk.client("sqs")
    name = secrets.token_hex(6)
    dead = sqs.create_queue(QueueName=f"{name}-dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]
    redrive = json.dumps({"deadLetterTargetArn": arn["QueueArn"], "maxReceiveCount": 2})
    made = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})
    yield made["QueueUrl"]
    for url in (made["QueueUrl"], dead):
        sqs.delete_queue(QueueUrl=url)


class Hasty:
    """A client that neither waits for messages nor lets them rest."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs
        self.rests: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def receive_message(self, **arguments: Any) -> Any:
        return self._sqs.receive_message(**{**arguments, "WaitTimeSeconds": 0})

    def change_message_visibility(self, **arguments: Any) -> Any:
        self.rests.append(arguments["VisibilityTimeout"])
        return self._sqs.change_message_visibility(**{**arguments, "VisibilityTimeout": 0})


@pytest.fixture
def sqs(aws: Account) -> Hasty:
    """A client for the worker's end."""
    return Hasty(aws.sdk.client("sqs"))


@pytest.fixture
def queue(sqs: Hasty, queue_url: str) -> SqsQueue:
    """The service's end."""
    return SqsQueue(sqs, queue_url, Guard(SQS))


@pytest.fixture
def inbox(sqs: Hasty, queue_url: str) -> Inbox:
    """The worker's end."""
    return Inbox(sqs, queue_url)


@dataclass(frozen=True)
class Ends:
    """Both ends of one queue, and where it is."""

    queue: SqsQueue
    inbox: Inbox
    sqs: Hasty
    url: str


@pytest.fixture
def ends(queue: SqsQueue, inbox: Inbox, sqs: Hasty, queue_url: str) -> Ends:
    """All that belongs to the queue."""
    return Ends(queue, inbox, sqs, queue_url)


def worker_with(inbox: Inbox, handler: Handler) -> Worker:
    handlers: Handlers = dict.fromkeys(MessageKind, handler)
    return Worker(inbox, handlers, threads=1)


def take_all(worker: Worker, inbox: Inbox) -> int:
    """Handle what lies in the queue until nothing comes; how many deliveries that were."""
    count = 0
    while (delivery := inbox.receive()) is not None:
        worker.take(delivery)
        count += 1
    return count


def dead_letters(sqs: Any, queue_url: str) -> list[str]:
    answer = sqs.receive_message(QueueUrl=f"{queue_url}-dlq", MaxNumberOfMessages=10)
    return [message["Body"] for message in answer.get("Messages", [])]


# --- Messages ------------------------------------------------------------------------------------


def test_every_kind_of_message_has_a_handler(wired: Services) -> None:
    assert set(wired.handlers) == set(MessageKind)


def test_a_message_is_read_as_it_was_written() -> None:
    assert decode(SYNC.encode()) == SYNC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"v":2,"kind":"bank-event","id":"","data":{}}',
        '{"v":1,"kind":"of tomorrow","id":"","data":{}}',
        '{"v":1,"kind":"bank-event","id":"","data":[]}',
    ],
)
def test_what_is_no_message_of_ours_says_so(text: str) -> None:
    with pytest.raises(MessageUnreadable):
        decode(text)


# --- The worker ----------------------------------------------------------------------------------


def test_a_handled_message_comes_no_more(
    queue: SqsQueue, inbox: Inbox, lines: StringIO, records: Records
) -> None:
    del lines
    taken: list[Message] = []
    queue.send(SYNC)

    assert take_all(worker_with(inbox, taken.append), inbox) == 1
    assert taken == [SYNC]
    emitted = records()
    (line,) = [each for each in emitted if each.get("event") == "job"]
    assert (line["job"], line["attempt"], line["requestId"]) == ("bank-event", 1, "abcdefgh")
    assert [e["Job"] for e in emitted if e.get("JobSucceeded") == 1] == ["bank-event"]
    assert any("JobAge" in each for each in emitted)


@pytest.mark.parametrize("error", [Unavailable(), ValueError("of secrets")])
def test_a_message_whose_handler_fails_comes_again_and_then_lies_beside_the_queue(
    ends: Ends, lines: StringIO, records: Records, error: Exception
) -> None:
    def fail(_: Message) -> None:
        raise error

    ends.queue.send(SYNC)

    assert take_all(worker_with(ends.inbox, fail), ends.inbox) == 2
    assert dead_letters(ends.sqs, ends.url) == [SYNC.encode()]
    assert sum(line.get("JobFailed", 0) for line in records()) == 2
    assert "of secrets" not in lines.getvalue()
    assert all(rest > 0 for rest in ends.sqs.rests)


def test_a_message_nobody_can_read_lies_beside_the_queue_and_stops_nothing(
    inbox: Inbox, queue: SqsQueue, sqs: Hasty, queue_url: str
) -> None:
    taken: list[Message] = []
    sqs.send_message(QueueUrl=queue_url, MessageBody="no message")
    queue.send(SYNC)

    take_all(worker_with(inbox, taken.append), inbox)
    assert taken == [SYNC]
    assert dead_letters(sqs, queue_url) == ["no message"]


def test_a_handler_knows_how_long_it_may_take(queue: SqsQueue, inbox: Inbox) -> None:
    left: list[float] = []
    queue.send(SYNC)
    take_all(worker_with(inbox, lambda _: left.append(deadline().left())), inbox)

    assert STEP_SECONDS - 5 < left[0] <= STEP_SECONDS
    (spec,) = contract.QUEUES
    assert spec.visibility_seconds > STEP_SECONDS


def test_failed_messages_rest_longer_each_time_and_never_all_alike() -> None:
    drawn = [[retry_seconds(attempt) for _ in range(50)] for attempt in range(1, 12)]

    assert all(max(drawn[n]) <= 2 * min(drawn[n]) + 1 for n in range(11))
    assert max(drawn[0]) <= 10
    assert min(drawn[-1]) >= LONGEST_RETRY_SECONDS // 2
    assert max(drawn[-1]) <= LONGEST_RETRY_SECONDS
    assert len({retry_seconds(5) for _ in range(50)}) > 10


def test_threads_take_messages_until_they_are_told_to_stop(queue: SqsQueue, inbox: Inbox) -> None:
    taken = threading.Event()
    worker = worker_with(inbox, lambda _: taken.set())
    worker.start()
    queue.send(SYNC)

    assert taken.wait(10)
    assert worker.is_alive()
    assert worker.stop(10)
    assert not worker.is_alive()


def test_a_queue_that_cannot_be_asked_ends_no_thread(queue_url: str, sqs: Hasty) -> None:
    asked = threading.Event()

    class Broken:
        def receive(self) -> None:
            asked.set()
            raise UpstreamUnavailable

    worker = Worker(Broken(), {}, threads=1)  # type: ignore[arg-type] # only what is asked for
    worker.start()
    assert asked.wait(10)
    assert worker.is_alive()
    assert worker.stop(10)
    del queue_url, sqs


def test_a_queue_that_is_gone_is_a_failure_of_its_own(aws: Account, sqs: Hasty) -> None:
    del aws
    with pytest.raises(UpstreamUnavailable):
        Inbox(sqs, "https://sqs.eu-central-1.amazonaws.com/1/none").receive()
    with pytest.raises(UpstreamUnavailable):
        SqsQueue(sqs, "https://sqs.eu-central-1.amazonaws.com/1/none", Guard(SQS)).send(SYNC)


def test_the_health_check_tells_a_worker_that_hangs(time: ManualTime, inbox: Inbox) -> None:
    worker = Worker(inbox, {}, threads=1, monotonic=time)
    worker._threads[0].is_alive = lambda: True  # type: ignore[method-assign]  # noqa: SLF001 - one that never returns
    with health_server(0, worker.is_alive) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = int(server.server_address[1])
        assert is_alive(port)
        time.advance(SILENT_SECONDS + 1)
        assert not is_alive(port)
        server.shutdown()


# --- The service, a queue and the worker ----------------------------------------------------------


def test_an_event_of_plaids_is_kept_at_once_and_done_by_the_worker(
    linked: Linked,
    wired: Services,
    client: FlaskClient,
    plaid: PlaidDouble,
    ends: Ends,
) -> None:
    object.__setattr__(wired.bank_webhooks, "queue", ends.queue)
    told = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": linked.bank.item_id,
    }
    body = json.dumps(told).encode()
    signature = plaid.signature(body, at=linked.clock().timestamp())
    headers = {"Plaid-Verification": signature, "Content-Type": "application/json"}

    answer = client.post("/api/v1/plaid/webhook", data=body, headers=headers)
    assert (answer.status_code, answer.json) == (200, {"handling": "taken"})
    assert linked.rows() == []

    assert take_all(Worker(ends.inbox, wired.handlers, threads=1), ends.inbox) == 1
    assert linked.rows()


# --- The process ---------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def worker_process(**variables: str) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "budgetbuddy.worker"],
        env=kept | environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_one_command_becomes_each_part_and_says_what_there_is() -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "budgetbuddy", *arguments]
        return subprocess.run(
            command, env=environment(), check=False, capture_output=True, text=True, timeout=60
        )

    nothing, worker = run(), run("worker")
    assert (nothing.returncode, worker.returncode) == (2, EX_CONFIG)
    assert "server | worker | admin" in nothing.stderr
    assert "JOBS_QUEUE_URL is not set" in worker.stderr


def test_without_a_queue_the_worker_says_what_is_missing() -> None:
    process = worker_process()
    _, err = process.communicate(timeout=30)

    assert process.returncode == EX_CONFIG
    assert b"JOBS_QUEUE_URL is not set" in err


def test_the_process_is_healthy_without_its_queue_and_ends_well_when_told_to() -> None:
    port = free_port()
    process = worker_process(
        JOBS_QUEUE_URL="http://127.0.0.1:9/none",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        PORT=str(port),
    )
    try:
        wait_until(f"http://127.0.0.1:{port}{contract.HEALTH_LIVE}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=40)

    assert process.returncode == 0
