"""The demo user of stack `local`: registered through the API, with the code from the mail."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.client import Client
from localcloud.failure import LocalCloudError
from localcloud.paths import LOCAL

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.client import Answer
    from localcloud.emulator.process import Emulator

EMAIL = "demo@example.com"
CREDENTIALS = LOCAL / "demo.json"
TOKEN = LOCAL / "demo.token"
# The service counts log-ins of an account. A token of 15 minutes serves again for a third of them.
KEPT_SECONDS = 300
CODE = re.compile(r"\b[0-9A-Z]{8}\b")
MAIL_SECONDS = 5
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class DemoUser:
    """Who is signed in, and the access token."""

    email: str
    access_token: str = field(repr=False)


def sign_in_demo_user(client: Client, emulator: Emulator) -> DemoUser:
    """Sign the demo user in, registering first where the ledger does not know it.

    A token of the last minutes is taken again while the service accepts it.
    """
    kept = _kept_token()
    if kept and Client(client.port, token=kept).call("GET", "/api/v1/users/me").status == 200:  # noqa: PLR2004 - HTTP's OK
        return DemoUser(EMAIL, kept)
    password = _password()
    answer = client.call("POST", "/api/v1/auth/login", {"email": EMAIL, "password": password})
    if answer.status == 401:  # noqa: PLR2004 - HTTP's Unauthorized: not registered yet
        answer = _register(client, emulator, password)
    _expect(answer, 200, 201)
    _write_private(TOKEN, answer.body["accessToken"])
    return DemoUser(EMAIL, answer.body["accessToken"])


def _kept_token() -> str | None:
    if not TOKEN.exists() or time.time() - TOKEN.stat().st_mtime > KEPT_SECONDS:
        return None
    return TOKEN.read_text()


def _register(client: Client, emulator: Emulator, password: str) -> Answer:
    seen = len(emulator.sent_mail())
    fields = {"email": EMAIL, "password": password, "displayName": "Demo", "currency": "EUR"}
    answer = client.call("POST", "/api/v1/auth/register", fields)
    _expect(answer, 202)
    body = {
        "registrationId": answer.body["registrationId"],
        "code": mailed_code(emulator, EMAIL, seen),
    }
    return client.call("POST", "/api/v1/auth/register/confirm", body)


def mailed_code(emulator: Emulator, email: str, seen: int = 0) -> str:
    """The code in the newest mail to `email` behind the first `seen` mails, once it is there."""
    pause = threading.Event()
    for _ in range(int(MAIL_SECONDS / POLL_SECONDS)):
        for mail in reversed(emulator.sent_mail()[seen:]):
            code = CODE.search(mail["BodyText"])
            if email in mail["To"] and code:
                return code.group()
        pause.wait(POLL_SECONDS)
    raise LocalCloudError(
        f"The confirmation mail to {email} did not arrive.",
        why=f"no mail with a code within {MAIL_SECONDS} s",
        remedy="python -m localcloud mail; python -m localcloud logs service",
    )


def _password() -> str:
    """The demo user's password: random, kept in a private file of the local state."""
    if not CREDENTIALS.exists():
        made = {"email": EMAIL, "password": secrets.token_urlsafe(24)}
        _write_private(CREDENTIALS, json.dumps(made))
    password: str = json.loads(CREDENTIALS.read_text())["password"]
    return password


def _write_private(path: Path, text: str) -> None:
    """Write `text` where only this person reads it, whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    part.replace(path)


def _expect(answer: Answer, *statuses: int) -> None:
    if answer.status not in statuses:
        code = answer.body.get("code") if isinstance(answer.body, dict) else "no problem document"
        raise LocalCloudError(
            "The demo user cannot be signed in.",
            why=f"the service answered {answer.status} ({code})",
            remedy="python -m localcloud logs service; make down WIPE=1 starts over",
        )
