"""`python -m budgetbuddy.worker`: handles what the service has put into its queue.

Each thread takes one message at a time and deletes it when its handler returns. A message whose
handler raises comes again, later each time, and in the end goes to the dead-letter queue. After
SIGTERM no message is taken any more; one that is not finished in time comes again elsewhere.

Exit codes: 0 after SIGTERM, 78 when the configuration is wrong.
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from budgetbuddy.composition import build_inbox, build_services
from budgetbuddy.contract import HEALTH_LIVE, STOP_SECONDS, Metric
from budgetbuddy.domain.deadline import time_limit
from budgetbuddy.domain.messages import STEP_SECONDS, Handlers, MessageUnreadable, decode
from budgetbuddy.gateways.queue import WAIT_SECONDS, Delivery, Inbox
from budgetbuddy.problems import Problem, UpstreamUnavailable
from budgetbuddy.settings import EX_CONFIG, InvalidSettings, Settings, load_settings
from budgetbuddy.sweeps import Sweeper, sweeps_of
from budgetbuddy.telemetry import (
    Telemetry,
    configure,
    emit,
    log,
    note,
    note_error,
    request_line,
)

PAUSE_SECONDS: Final = 5.0  # before the queue is asked again after it failed
FIRST_RETRY_SECONDS: Final = 5
LONGEST_RETRY_SECONDS: Final = 600
SILENT_SECONDS: Final = STEP_SECONDS + 2 * WAIT_SECONDS  # longer, and a thread hangs
LOOPBACK: Final = "127.0.0.1"  # only the container's own health check asks
UNKNOWN: Final = "unknown"


class Worker:
    """Threads that take messages until they are told to stop."""

    def __init__(
        self,
        inbox: Inbox,
        handlers: Handlers,
        *,
        threads: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._handlers = handlers
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._seen = dict.fromkeys(range(threads), monotonic())
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True) for number in self._seen
        ]

    def start(self) -> None:
        """Begin to take messages."""
        for thread in self._threads:
            thread.start()

    def stop(self, within_seconds: float) -> bool:
        """Take no more; whether every message in hand was finished in time."""
        self._stopping.set()
        until = self._monotonic() + within_seconds
        for thread in self._threads:
            thread.join(max(0.0, until - self._monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def is_alive(self) -> bool:
        """Whether no thread has ended or hangs."""
        oldest = min(self._seen.values())
        is_running = all(thread.is_alive() for thread in self._threads)
        return is_running and self._monotonic() - oldest < SILENT_SECONDS

    def _run(self, number: int) -> None:
        while not self._stopping.is_set():
            self._seen[number] = self._monotonic()
            try:
                delivery = self._inbox.receive()
                if delivery is not None:
                    self.take(delivery)
            except UpstreamUnavailable:
                self._stopping.wait(PAUSE_SECONDS)  # the message in hand comes again by itself

    def take(self, delivery: Delivery) -> None:
        """Handle one message, then delete it or let it come again."""
        started = self._monotonic()
        with request_line() as fields:
            kind = self._handle(delivery)
            is_done = "code" not in fields
            seconds = self._monotonic() - started
            note(job=kind, attempt=delivery.attempt, durationMs=round(seconds * 1_000, 2))
            log("job", level="info" if is_done else "warning", **fields)
        emit(
            {
                (Metric.JOB_SUCCEEDED if is_done else Metric.JOB_FAILED): 1,
                Metric.JOB_DURATION: round(seconds * 1_000, 2),
            },
            dimension=kind,
        )
        emit({Metric.JOB_AGE: max(0.0, round(time.time() - delivery.sent_at, 3))})
        if is_done:
            self._inbox.done(delivery)
        else:
            self._inbox.again(delivery, retry_seconds(delivery.attempt))

    def _handle(self, delivery: Delivery) -> str:
        """The message's kind; a failure is noted on the line under `code`."""
        try:
            message = decode(delivery.body)
        except MessageUnreadable as exc:
            note(code="message_unreadable", errorClass=type(exc).__name__)
            return UNKNOWN
        note(requestId=message.request_id)
        try:
            with time_limit(STEP_SECONDS):
                self._handlers[message.kind](message)
        except Problem as exc:
            note(code=exc.code)
        except Exception as exc:  # noqa: BLE001 - the last resort: the message comes again
            note_error(exc)
        return message.kind


def retry_seconds(attempt: int) -> int:
    """How long a failed message rests: doubled each time, half of it by chance."""
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**attempt)
    return random.randint(longest // 2, longest)  # noqa: S311 - jitter, no secret


def health_server(port: int, is_alive: Callable[[], bool]) -> ThreadingHTTPServer:
    """Answers the container's health check as the API does; port 0 takes a free one."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            healthy = self.path == HEALTH_LIVE and is_alive()
            self.send_response(200 if healthy else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Nothing: a probe every half minute is no news."""

    return ThreadingHTTPServer((LOOPBACK, port), Health)


def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    services = build_services(settings)
    worker = Worker(build_inbox(settings), services.handlers, threads=settings.threads)
    sweeper = Sweeper(sweeps_of(services))
    with health_server(settings.port, worker.is_alive) as health:
        threading.Thread(target=health.serve_forever, daemon=True).start()
        worker.start()
        sweeper.start()
        stop.wait()
        sweeper.stop(0)
        if not worker.stop(STOP_SECONDS - 5):
            log("job.unfinished", level="warning")
        health.shutdown()


def _settings() -> Settings:
    settings = load_settings(os.environ)
    if settings.jobs_queue_url is None:
        raise InvalidSettings(["JOBS_QUEUE_URL is not set"])
    return settings


def main() -> int:
    """Check the configuration, then work until told to stop."""
    try:
        settings = _settings()
    except InvalidSettings as exc:
        faults = "\n".join(f"  - {fault}" for fault in exc.faults)
        sys.stderr.write(f"The worker cannot start; its configuration is wrong:\n{faults}\n")
        return EX_CONFIG
    configure(
        Telemetry(
            environment=settings.environment,
            release=settings.release,
            emit_metrics=settings.aws_cloudwatch_enabled,
            level=settings.log_level,
            service="worker",
        )
    )
    run(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main())
