"""A small HTTP client of the service: what the smoke test and the demo user need."""

from __future__ import annotations

import http.client
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from localcloud.emulator.process import HOST

TIMEOUT_SECONDS = 15


@dataclass(frozen=True)
class Answer:
    """Status, headers in lower case, and the body: JSON where it says so, else text."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass
class Client:
    """Calls the service on loopback; remembers the access token of the last sign-in."""

    port: int
    token: str | None = field(default=None, repr=False)

    def call(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None
    ) -> Answer:
        """One request with a JSON body. Raises `OSError` where nobody answers."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if method == "POST" and path.startswith("/api/v1/") and "/auth/" not in path:
            sent.setdefault("Idempotency-Key", uuid.uuid4().hex)
        payload = None
        if body is not None:
            payload = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        return self.send(method, path, payload, sent)

    def send(
        self, method: str, path: str, payload: bytes | None, headers: dict[str, str]
    ) -> Answer:
        """One request as it stands."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            content = response.read()
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
        finally:
            connection.close()
        kinds = {name.lower(): value for name, value in response.getheaders()}
        is_json = "json" in kinds.get("content-type", "")
        decoded = json.loads(content) if is_json and content else content.decode(errors="replace")
        return Answer(response.status, kinds, decoded)
