"""A double of Stripe on loopback: customers, Checkout, portal, subscriptions and signed events.

It keeps state, replays an idempotency key, refuses unknown parameters as Stripe does, and fails
when told to. What Stripe would take is proved by its own mock, `doubles/stripe_mock.py`.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import Counter, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, request
from stripe import WebhookSignature
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MONTH = 30 * 86_400
TRIAL_DAY = 86_400
HANG_SECONDS = 60
PARAMETERS: Mapping[str, frozenset[str]] = {
    "customers": frozenset({"metadata[subject]"}),
    "checkout": frozenset(
        {
            "mode",
            "customer",
            "line_items[0][price]",
            "line_items[0][quantity]",
            "success_url",
            "cancel_url",
            "subscription_data[trial_period_days]",
        }
    ),
    "portal": frozenset({"customer", "return_url"}),
}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the next call gets instead: an error, a body that is none, or silence."""

    status: int = 200
    code: str = "api_error"
    body: bytes | None = None
    promised: int | None = None  # Content-Length, when more is promised than sent
    hangs: bool = False


@dataclass
class StripeDouble:
    """The state and the HTTP face of it. Tests reach into the fields."""

    secret: str = "whsec_double"  # noqa: S105 - a double's
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    faults: deque[Fault] = field(default_factory=deque)
    kept: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._leave = threading.Event()

    def fail(self, fault: Fault, times: int = 1) -> None:
        """The next calls get this."""
        self.faults.extend([fault] * times)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Where it answers."""
        server = make_server("127.0.0.1", port, self.app(), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self._leave.set()
            server.shutdown()
            thread.join()
            server.server_close()

    def app(self) -> Flask:
        """The routes our service calls."""
        app = Flask("stripe")
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "/v1/customers", self._create_customer),
            ("DELETE", "/v1/customers/<name>", self._delete_customer),
            ("POST", "/v1/checkout/sessions", self._create_session),
            ("POST", "/v1/billing_portal/sessions", self._create_portal),
            ("GET", "/v1/subscriptions/<name>", self._subscription),
        )
        for method, rule, answer in routes:
            app.add_url_rule(rule, f"{method} {rule}", self._view(rule, answer), methods=[method])
        return app

    def _view(self, rule: str, answer: Callable[..., Any]) -> Callable[..., Response]:
        def view(**names: str) -> Response:
            self.calls[rule] += 1
            if self.faults:
                return self._faulty(self.faults.popleft())
            if not request.headers.get("Authorization", "").startswith("Bearer "):
                return _error(401, "api_key_missing")
            key, body = request.headers.get("Idempotency-Key"), request.get_data(as_text=True)
            if key and key in self.kept:
                known, told = self.kept[key]
                return jsonify(told) if known == body else _error(400, "idempotency_error")
            try:
                told = answer(**names)
            except _Refused as exc:
                return _error(exc.status, exc.code)
            if key:
                self.kept[key] = (body, told)
            return jsonify(told)

        return view

    def _faulty(self, fault: Fault) -> Response:
        if fault.hangs:
            self._leave.wait(HANG_SECONDS)
        if fault.body is None:
            return _error(fault.status, fault.code)
        response = Response(fault.body, fault.status, mimetype="application/json")
        if fault.promised is not None:
            response.automatically_set_content_length = False
            response.headers["Content-Length"] = str(fault.promised)
        return response

    def _create_customer(self) -> dict[str, Any]:
        asked = _asked("customers")
        metadata = {"subject": asked.get("metadata[subject]")}
        made: dict[str, Any] = {"id": _id("cus"), "object": "customer", "metadata": metadata}
        self.customers[made["id"]] = made
        return made

    def _delete_customer(self, name: str) -> dict[str, Any]:
        if self.customers.pop(name, None) is None:
            raise _Refused(404, "resource_missing")
        for subscription in self.subscriptions.values():
            if subscription["customer"] == name:
                self.cancel(subscription["id"])
        return {"id": name, "object": "customer", "deleted": True}

    def _create_session(self) -> dict[str, Any]:
        asked = _asked("checkout")
        if asked["customer"] not in self.customers:
            raise _Refused(400, "resource_missing")
        name = _id("cs_test")
        made = {
            "id": name,
            "object": "checkout.session",
            "url": f"https://checkout.stripe.example/{name}",
            "expires_at": self._seconds() + TRIAL_DAY,
            "customer": asked["customer"],
            "subscription": None,
        }
        self.sessions[name] = {**made, "asked": asked}
        return made

    def _create_portal(self) -> dict[str, Any]:
        asked = _asked("portal")
        if asked["customer"] not in self.customers:
            raise _Refused(400, "resource_missing")
        name = _id("bps")
        url = f"https://billing.stripe.example/{name}"
        return {"id": name, "object": "billing_portal.session", "url": url}

    def _subscription(self, name: str) -> dict[str, Any]:
        if name not in self.subscriptions:
            raise _Refused(404, "resource_missing")
        return self.subscriptions[name]

    # --- What happens at Stripe -----------------------------------------------------------------

    def pay(self, session: str | None = None) -> dict[str, Any]:
        """Somebody pays on the page of a session, the newest unless named; the subscription."""
        page = self.sessions[session or list(self.sessions)[-1]]
        asked, now = page["asked"], self._seconds()
        days = int(asked.get("subscription_data[trial_period_days]", 0))
        end = now + (days * TRIAL_DAY or MONTH)
        made = {
            "id": _id("sub"),
            "object": "subscription",
            "customer": page["customer"],
            "status": "trialing" if days else "active",
            "items": {
                "object": "list",
                "data": [
                    {
                        "object": "subscription_item",
                        "price": {"object": "price", "id": asked["line_items[0][price]"]},
                        "current_period_end": end,
                    }
                ],
            },
            "cancel_at": None,
            "cancel_at_period_end": False,
            "ended_at": None,
            "trial_start": now if days else None,
        }
        self.subscriptions[str(made["id"])] = made
        page["subscription"] = made["id"]
        return made

    def cancel(self, name: str) -> None:
        """A subscription ends now."""
        self.subscriptions[name] |= {"status": "canceled", "ended_at": self._seconds()}

    def event(self, kind: str, told: Mapping[str, Any], **fields: Any) -> bytes:
        """The body of an event as Stripe sends it."""
        shown = {key: value for key, value in told.items() if key != "asked"}
        document = {"id": _id("evt"), "object": "event", "type": kind, "data": {"object": shown}}
        return json.dumps({**document, "created": self._seconds(), **fields}).encode()

    def signature(self, body: bytes, *, at: float | None = None, secret: str | None = None) -> str:
        """The header Stripe sends along, made by its SDK."""
        moment = int(self._seconds() if at is None else at)
        header: str = WebhookSignature.generate_signature_header(
            body.decode(errors="replace"), secret or self.secret, moment
        )
        return header

    def _seconds(self) -> int:
        return int(self.now().timestamp())


class _Refused(Exception):  # noqa: N818 - states a fact
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


def _asked(operation: str) -> dict[str, str]:
    """The form's fields; an unknown one is refused, as Stripe does."""
    asked = dict(request.form)
    if set(asked) - PARAMETERS[operation]:
        raise _Refused(400, "parameter_unknown")
    return asked


def _error(status: int, code: str) -> Response:
    kind = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's
    response = jsonify({"error": {"type": kind, "code": code, "message": code}})
    response.status_code = status
    return response


def _id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""
