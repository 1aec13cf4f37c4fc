"""One HTTP request and its answer; redirects are not followed, they are what is asked about."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from delivery.ops.verify import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT_SECONDS = 10


def ask(
    url: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Raises `OSError` where nobody answers in time, or answers something that is not HTTP."""
    parts = urlsplit(url)
    connection = _connection(parts.scheme, parts.netloc)
    sent = {"Accept": "application/json", "User-Agent": "budgetbuddy-verify", **(headers or {})}
    text = None
    if body is not None:
        text, sent["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, parts.path or "/", body=text, headers=sent)
        answer = connection.getresponse()
        return Answer(
            status=answer.status,
            headers={name.lower(): value for name, value in answer.getheaders()},
            body=_object(answer.read()),
        )
    except http.client.HTTPException as error:
        raise OSError(f"{url}: {type(error).__name__}") from error
    finally:
        connection.close()


def _connection(scheme: str, host: str) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, timeout=TIMEOUT_SECONDS, context=context)
    return http.client.HTTPConnection(host, timeout=TIMEOUT_SECONDS)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
