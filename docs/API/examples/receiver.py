"""Receive one webhook and check who sent it: `python receiver.py DIRECTORY`.

The port it listens on is written to `DIRECTORY/port`; the secret is read from `DIRECTORY/secret`
when the event comes.
"""

import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

DIRECTORY = Path(sys.argv[1])
TOLERANCE_SECONDS = 300


def is_genuine(secret: str, header: str, body: bytes, now: float) -> bool:
    """Whether one of the signatures is ours, and was made just now."""
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    if len(stamps) != 1 or abs(now - int(stamps[0])) > TOLERANCE_SECONDS:
        return False
    signed = f"{stamps[0]}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, value) for name, _, value in parts if name == "v1")


class Receiver(BaseHTTPRequestHandler):
    """Answers at once; what takes long is done afterwards."""

    def do_POST(self) -> None:
        """Check, remember the id so that a repeat is known, answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        secret = (DIRECTORY / "secret").read_text().strip()
        genuine = is_genuine(secret, self.headers["BudgetBuddy-Signature"], body, time.time())
        self.send_response(204 if genuine else 400)
        self.end_headers()
        event = json.loads(body)
        print(event["type"], "is genuine" if genuine else "is forged", flush=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Print nothing but events."""


with HTTPServer(("127.0.0.1", 0), Receiver) as server:
    port = DIRECTORY / "port.new"
    port.write_text(str(server.server_port))
    port.rename(DIRECTORY / "port")
    server.handle_request()
