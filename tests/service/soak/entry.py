"""How callers get into a service that runs: registered by mail, with accounts and tokens."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from localcloud.client import Client
from localcloud.demo import mailed_code

from ..conftest import PASSWORD  # noqa: TID252 - fixtures' module

if TYPE_CHECKING:
    from localcloud.emulator.process import Emulator

API = "/api/v1"


def is_ready(port: int) -> bool:
    """Whether the service serves."""
    try:
        return Client(port).call("GET", "/health/ready").status == 200
    except OSError:
        return False


def registered(port: int, emulator: Emulator, **fields: str) -> Client:
    """A new user, signed in."""
    client, email = Client(port), f"{secrets.token_hex(6)}@example.com"
    body = {"email": email, "password": PASSWORD, **fields}
    started = client.call("POST", f"{API}/auth/register", body)
    assert started.status == 202, started.body
    code = {
        "registrationId": started.body["registrationId"],
        "code": mailed_code(emulator, email),
    }
    session = client.call("POST", f"{API}/auth/register/confirm", code)
    assert session.status == 201, session.body
    return replace(client, token=session.body["accessToken"])


def made(client: Client, path: str, body: dict[str, Any], made_of: str = "id") -> str:
    """Create something; its id."""
    answer = client.call("POST", API + path, body)
    assert answer.status == 201, answer.body
    value: str = answer.body[made_of]
    return value


def pat_of(client: Client, body: dict[str, Any]) -> str:
    """A new access token."""
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    answer = client.send("POST", f"{API}/tokens", json.dumps(body).encode(), headers)
    assert answer.status == 201, answer.body
    token: str = answer.body["token"]
    return token
