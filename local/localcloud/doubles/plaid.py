"""A double of Plaid on loopback: its routes, its errors, its signed webhooks, and faults on demand.

It answers as strictly as plaid-python reads, keeps state, and asks for client id, secret and
version as Plaid does, whatever their values.

    python -m localcloud.doubles.plaid PORT [FILE]
"""

from __future__ import annotations

import base64
import hashlib
import json
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from localcloud.doubles.faults import Fault, Faults
from localcloud.doubles.plaid_bank import DAYS, Banks, PlaidFault, utc_today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

HOST = "127.0.0.1"
HEADERS = ("PLAID-CLIENT-ID", "PLAID-SECRET", "Plaid-Version")
DEFAULT_ROWS = 100  # of a page, Plaid's own
WEBHOOK_SECONDS = 10.0  # Plaid waits no longer


class SigningKey:
    """An ES256 key that webhooks are signed with; `expired_at` is set when it is rotated out."""

    def __init__(self) -> None:
        self.kid = str(uuid.uuid4())
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.created_at = int(time.time())
        self.expired_at: int | None = None

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half as Plaid shows it."""
        numbers = self.private.public_key().public_numbers()
        return {
            "alg": "ES256",
            "crv": "P-256",
            "kid": self.kid,
            "kty": "EC",
            "use": "sig",
            "x": _base64url(numbers.x.to_bytes(32)),
            "y": _base64url(numbers.y.to_bytes(32)),
            "created_at": self.created_at,
            "expired_at": self.expired_at,
        }


class PlaidDouble:
    """The state and the HTTP face of it. Tests reach into `banks`, `faults`, `calls` and `keys`."""

    def __init__(
        self, today: Callable[[], date] = utc_today, file: Path | None = None, days: int = DAYS
    ) -> None:
        self.banks = Banks(today, file, days)
        self.faults = Faults()
        self.calls: Counter[str] = Counter()
        self.keys = [SigningKey()]
        self.link_tokens: list[dict[str, Any]] = []
        self.app = self._application()

    def fail(self, path: str, fault: Fault, times: int = 1) -> None:
        """Let the next calls of a route go wrong."""
        self.faults.tell(path, fault, times)

    def rotate_key(self) -> None:
        """Sign with a new key; the old one is expired."""
        self.keys[-1].expired_at = int(time.time())
        self.keys.append(SigningKey())

    def signature(self, body: bytes, *, at: float | None = None) -> str:
        """The value of `Plaid-Verification` for a webhook."""
        claims = {
            "iat": int(at if at is not None else time.time()),
            "request_body_sha256": hashlib.sha256(body).hexdigest(),
        }
        key = self.keys[-1]
        return jwt.encode(claims, key.private, algorithm="ES256", headers={"kid": key.kid})

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Answer on loopback; yields the base URL."""
        server = make_server(HOST, port, self.app, threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            self.faults.leave()
            server.shutdown()
            thread.join()
            server.server_close()

    # --- HTTP ------------------------------------------------------------------------------------

    def _application(self) -> Flask:
        app = Flask("plaid-double")
        for path, answer in self._routes().items():
            app.add_url_rule(path, path, self._view(path, answer), methods=["POST"])
        app.register_error_handler(PlaidFault, _error)
        return app

    def _routes(self) -> Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        return {
            "/link/token/create": self._create_link_token,
            "/item/public_token/exchange": self._exchange,
            "/item/get": self._item_get,
            "/item/remove": self._item_remove,
            "/accounts/get": self._accounts_get,
            "/transactions/sync": self._sync,
            "/webhook_verification_key/get": self._key,
            "/sandbox/public_token/create": self._public_token,
            "/sandbox/item/fire_webhook": self._fire,
            "/sandbox/transactions/create": self._create_transactions,
        }

    def _view(
        self, path: str, answer: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> Callable[[], Response]:
        def answered() -> Response:
            if not all(request.headers.get(name) for name in HEADERS):
                raise PlaidFault(401, "INVALID_INPUT", "UNAUTHORIZED")
            return jsonify(answer(request.get_json()) | {"request_id": uuid.uuid4().hex[:15]})

        def view() -> Response:
            self.calls[path] += 1
            fault = self.faults.next(path)
            return self.faults.respond(fault, answered, _told) if fault else answered()

        return view

    def _create_link_token(self, asked: dict[str, Any]) -> dict[str, Any]:
        if "access_token" in asked and asked["access_token"] not in self.banks.items:
            raise PlaidFault(400, "INVALID_INPUT", "INVALID_ACCESS_TOKEN")
        if ("access_token" in asked) == ("products" in asked):
            raise PlaidFault(400, "INVALID_REQUEST", "INVALID_FIELD")
        self.link_tokens.append(asked)
        expiration = datetime.now(UTC) + timedelta(hours=4)
        return {
            "link_token": f"link-sandbox-{uuid.uuid4()}",
            "expiration": expiration.isoformat(timespec="seconds").replace("+00:00", "Z"),
        }

    def _public_token(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"public_token": self.banks.public_token(asked["institution_id"])}

    def _exchange(self, asked: dict[str, Any]) -> dict[str, Any]:
        webhook = self.link_tokens[-1].get("webhook", "") if self.link_tokens else ""
        token, item = self.banks.exchange(asked["public_token"], webhook)
        return {"access_token": token, "item_id": item.item_id}

    def _item_get(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"item": self._item(asked, asked_for_itself=True), "status": None}

    def _item_remove(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.banks.remove(asked["access_token"])
        return {}

    def _accounts_get(self, asked: dict[str, Any]) -> dict[str, Any]:
        accounts = self.banks.item(asked["access_token"]).accounts
        return {"accounts": accounts, "item": self._item(asked)}

    def _item(self, asked: dict[str, Any], *, asked_for_itself: bool = False) -> dict[str, Any]:
        """An item in error is shown where it is asked for, and stands in the way elsewhere."""
        find = self.banks.known if asked_for_itself else self.banks.item
        item = find(asked["access_token"])
        return {
            "item_id": item.item_id,
            "institution_id": item.institution_id,
            "institution_name": f"Bank {item.institution_id}",
            "webhook": item.webhook,
            "error": _document(PlaidFault(400, "ITEM_ERROR", item.error)) if item.error else None,
            "available_products": [],
            "billed_products": ["transactions"],
            "consent_expiration_time": item.consent_until,
            "update_type": "background",
        }

    def _sync(self, asked: dict[str, Any]) -> dict[str, Any]:
        item = self.banks.item(asked["access_token"])
        count = asked.get("count", DEFAULT_ROWS)
        page = self.banks.page(item, asked.get("cursor", ""), count)
        kinds = ("added", "modified", "removed")
        by_kind = {kind: [row for k, row in page["changes"] if k == kind] for kind in kinds}
        names = ("transaction_id", "account_id")
        removed = [{name: row[name] for name in names} for row in by_kind.pop("removed")]
        status = "HISTORICAL_UPDATE_COMPLETE" if item.is_ready else "NOT_READY"
        return {
            **by_kind,
            "removed": removed,
            "accounts": item.accounts,
            "next_cursor": page["next_cursor"],
            "has_more": page["has_more"],
            "transactions_update_status": status,
        }

    def _key(self, asked: dict[str, Any]) -> dict[str, Any]:
        for key in self.keys:
            if key.kid == asked["key_id"]:
                return {"key": key.jwk}
        raise PlaidFault(400, "INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID")

    def _fire(self, asked: dict[str, Any]) -> dict[str, Any]:
        item = self.banks.item(asked["access_token"])
        event = {
            "webhook_type": asked.get("webhook_type", "TRANSACTIONS"),
            "webhook_code": asked["webhook_code"],
            "item_id": item.item_id,
            "environment": "sandbox",
        }
        return {"webhook_fired": self.send(item.webhook, json.dumps(event).encode())}

    def _create_transactions(self, asked: dict[str, Any]) -> dict[str, Any]:
        item = self.banks.item(asked["access_token"])
        for told in asked["transactions"]:
            self.banks.add(item, told["amount"], told["description"], date=told["date_posted"])
        return {}

    def send(self, url: str, body: bytes, signature: str | None = None) -> bool:
        """Post a webhook; whether it was taken."""
        call = urllib.request.Request(  # noqa: S310 - the address that the service gave us
            url,
            data=body,
            headers={
                "Content-Type": "application/json",
                "Plaid-Verification": signature or self.signature(body),
            },
        )
        try:
            with urllib.request.urlopen(call, timeout=WEBHOOK_SECONDS) as answer:  # noqa: S310  # nosec B310 - as above
                return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
        except (urllib.error.URLError, TimeoutError):
            return False


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        if str(code)[:1] in {"4", "5"}:
            super().log_request(code, size)


def _told(fault: Fault) -> Response:
    return _error(PlaidFault(fault.status, fault.kind, fault.code))


def _document(fault: PlaidFault) -> dict[str, Any]:
    return {
        "error_type": fault.kind,
        "error_code": fault.code,
        "error_message": "as told",
        "display_message": None,
        "request_id": uuid.uuid4().hex[:15],
    }


def _error(fault: PlaidFault) -> Response:
    response = jsonify(_document(fault))
    response.status_code = fault.status
    return response


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    port, *file = arguments
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with PlaidDouble(file=Path(file[0]) if file else None).serve(int(port)) as url:
        sys.stdout.write(f"The double of Plaid answers on {url}\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
