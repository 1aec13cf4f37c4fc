"""The queue of jobs on Amazon SQS, and what stands in for it where there is no worker."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from budgetbuddy.domain.messages import LONGEST_DELAY_SECONDS, Handlers, Message
from budgetbuddy.gateways.resilience import DependencyFailed, Guard, Timeout
from budgetbuddy.problems import UpstreamUnavailable
from budgetbuddy.telemetry import log

T = TypeVar("T")

WAIT_SECONDS: Final = 10  # for a message; shorter than a worker may take to stop
MILLIS: Final = 1_000


class InlineQueue:
    """Implements `domain.messages.Queue` without one: the sender waits until the work is done."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Handled when this returns; raises whatever the handler raises."""
        del delay_seconds
        self._handlers[message.kind](message)


class SqsQueue:
    """Implements `domain.messages.Queue`; `sqs` is a boto3 client."""

    def __init__(self, sqs: Any, url: str, guard: Guard) -> None:
        self._sqs = sqs
        self._url = url
        self._guard = guard

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Returns when SQS has stored it on several servers."""
        delay = min(delay_seconds, LONGEST_DELAY_SECONDS)

        def attempt(_: Timeout) -> None:  # the client has its own, and its own retries
            try:
                self._sqs.send_message(
                    QueueUrl=self._url, MessageBody=message.encode(), DelaySeconds=delay
                )
            except (BotoCoreError, ClientError) as exc:
                raise DependencyFailed from exc

        self._guard.call(attempt)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A message as it came: `attempt` counts from 1, `sent_at` is seconds since the epoch."""

    body: str
    receipt: str
    attempt: int
    sent_at: float


class Inbox:
    """The worker's end of the queue. Methods raise `UpstreamUnavailable`."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def receive(self) -> Delivery | None:
        """The next message, kept from other workers for a while; None when none comes."""
        answer = self._asked(
            lambda: self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=1,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        )
        messages = answer.get("Messages", [])
        if not messages:
            return None
        told = messages[0]
        return Delivery(
            body=told["Body"],
            receipt=told["ReceiptHandle"],
            attempt=int(told["Attributes"]["ApproximateReceiveCount"]),
            sent_at=int(told["Attributes"]["SentTimestamp"]) / MILLIS,
        )

    def done(self, delivery: Delivery) -> None:
        """It is handled and comes no more."""
        self._asked(
            lambda: self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=delivery.receipt)
        )

    def again(self, delivery: Delivery, seconds: int) -> None:
        """It comes again after this time; after too many, it goes to the dead-letter queue."""
        self._asked(
            lambda: self._sqs.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=delivery.receipt, VisibilityTimeout=seconds
            )
        )

    def _asked(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except (BotoCoreError, ClientError) as exc:
            log("queue.unavailable", level="error", errorClass=type(exc).__name__)
            raise UpstreamUnavailable from exc
