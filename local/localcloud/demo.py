"""The demo user of stack `local`: registered through the API, with the code from the mail."""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from localcloud.failure import LocalCloudError
from localcloud.paths import LOCAL

if TYPE_CHECKING:
    from localcloud.client import Answer, Client
    from localcloud.emulator.process import Emulator

EMAIL = "demo@example.com"
CREDENTIALS = LOCAL / "demo.json"
CODE = re.compile(r"\b[0-9A-Z]{8}\b")
MAIL_SECONDS = 5
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class DemoUser:
    """Who is signed in, and the access token."""

    email: str
    access_token: str = field(repr=False)


def sign_in_demo_user(client: Client, emulator: Emulator) -> DemoUser:
    """Sign the demo user in, registering first where the ledger does not know it."""
    password = _password()
    answer = client.call("POST", "/api/v1/auth/login", {"email": EMAIL, "password": password})
    if answer.status == 401:  # noqa: PLR2004 - HTTP's Unauthorized: not registered yet
        answer = _register(client, emulator, password)
    _expect(answer, 200, 201)
    return DemoUser(EMAIL, answer.body["accessToken"])


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
        descriptor = os.open(CREDENTIALS, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"email": EMAIL, "password": secrets.token_urlsafe(24)}, file)
    password: str = json.loads(CREDENTIALS.read_text())["password"]
    return password


def _expect(answer: Answer, *statuses: int) -> None:
    if answer.status not in statuses:
        code = answer.body.get("code") if isinstance(answer.body, dict) else "no problem document"
        raise LocalCloudError(
            "The demo user cannot be signed in.",
            why=f"the service answered {answer.status} ({code})",
            remedy="python -m localcloud logs service; make down WIPE=1 starts over",
        )
