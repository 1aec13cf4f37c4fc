"""Asks a new release, while only the test port leads to it, whether clients may meet it.

ECS calls `handler` after the test traffic has moved and rolls the deployment back on any answer but
"SUCCEEDED" or "IN_PROGRESS", an exception included.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/lambda-lifecycle-hooks.html
It asks only what leaves nothing behind: no row is written, no sign-in is tried.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

READY = "/health/ready"
NOWHERE = "/api/v1/no-such-path"
PRIVATE = "/api/v1/users/me"
PROBLEM = "application/problem+json"
HEADERS = ("strict-transport-security", "x-content-type-options")
TIMEOUT_SECONDS = 5
ATTEMPTS = 5  # the first, and four more
DELAY_SECONDS = 15

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """Without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0]


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """ECS's entry point. `hookDetails` are ours: `host`, `port`, `release`, and the attempt."""
    del context
    details = event["hookDetails"]
    problems = find_problems(details, lambda path: ask(details["host"], details["port"], path))
    return verdict(details, problems)


def find_problems(details: Mapping[str, Any], asked: Callable[[str], Answer]) -> list[str]:
    """What is wrong with the release, in words; nothing where clients may meet it."""
    try:
        return [*_ready(asked(READY), details["release"]), *_refusals(asked)]
    except (OSError, HTTPException) as error:
        return [f"no answer: {type(error).__name__}"]


def verdict(details: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """What ECS is told; what is wrong now may be right in a moment, but not for long."""
    attempt = int(details.get("attempt", 1))
    log.info(json.dumps({"release": details["release"], "attempt": attempt, "found": problems}))
    if not problems:
        return {"hookStatus": "SUCCEEDED"}
    if attempt >= ATTEMPTS:
        return {"hookStatus": "FAILED"}
    return {
        "hookStatus": "IN_PROGRESS",
        "callBackDelay": DELAY_SECONDS,
        "hookDetails": {**details, "attempt": attempt + 1},
    }


def _ready(answer: Answer, release: str) -> Iterator[str]:
    if answer.status != 200:  # noqa: PLR2004 - HTTP
        yield f"{READY} answers {answer.status}"
    elif (found := json.loads(answer.body).get("release")) != release:
        yield f"release {found} answers, not {release}"
    for name in HEADERS:
        if name not in answer.headers:
            yield f"{READY} lacks the header {name}"


def _refusals(asked: Callable[[str], Answer]) -> Iterator[str]:
    """Nobody's path, and somebody's without a token: both are refused in the form we promise."""
    for path, status in ((NOWHERE, 404), (PRIVATE, 401)):
        answer = asked(path)
        if (answer.status, answer.media_type) != (status, PROBLEM):
            yield f"{path} answers {answer.status} {answer.media_type}, not {status} {PROBLEM}"


def ask(host: str, port: int, path: str) -> Answer:
    """One GET over TLS, the certificate checked. Raises OSError or HTTPException."""
    connection = HTTPSConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(status=answer.status, headers=headers, body=answer.read())
    finally:
        connection.close()
