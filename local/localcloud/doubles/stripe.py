"""A double of Stripe on loopback: customers, Checkout, portal, subscriptions and signed events.

It keeps state, replays an idempotency key, refuses unknown parameters as Stripe does, and fails
when told to. Its pages to pay and to cancel on ask for no card. What Stripe would take is proved
by its own mock, `doubles/stripe_mock.py`.

    python -m localcloud.doubles.stripe PORT [FILE]
"""

from __future__ import annotations

import re
import signal
import sys
import threading
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, jsonify, redirect, request
from stripe import WebhookSignature
from werkzeug.serving import WSGIRequestHandler, make_server

from localcloud.doubles.faults import EVERY_ROUTE, Fault, Faults
from localcloud.doubles.stripe_account import StripeAccount, StripeRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

WEBHOOK_SECONDS = 10.0
TELL_AGAIN_SECONDS = 2.0  # Stripe's own pauses are minutes to hours
SERVER_ERROR = 500
PARAMETERS: Mapping[str, re.Pattern[str]] = {
    "customers": re.compile(r"metadata\[subject\]"),
    "checkout": re.compile(
        r"mode|customer|line_items\[0\]\[(price|quantity)\]|success_url|cancel_url"
        r"|subscription_data\[trial_period_days\]"
    ),
    "portal": re.compile("customer|return_url"),
    "endpoints": re.compile(r"url|enabled_events\[[0-9]+\]"),
}
PAGE = """<!doctype html><title>Double of Stripe</title>
<h1>Double of Stripe</h1><p>No card is asked for, and no money moves.</p>
<form method="post"><button>{action}</button></form>"""


@dataclass
class StripeDouble:
    """The HTTP face of an account. `secret` signs what no endpoint was made for."""

    secret: str = "whsec_double"  # noqa: S105 - a double's
    account: StripeAccount = field(default_factory=StripeAccount)
    calls: Counter[str] = field(default_factory=Counter)
    faults: Faults = field(default_factory=Faults)
    kept: dict[str, tuple[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._telling = threading.Lock()  # another than the account's: whoever is told asks back

    def fail(self, fault: Fault, times: int = 1) -> None:
        """The next calls get this."""
        self.faults.tell(EVERY_ROUTE, fault, times)

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Where it answers."""
        server = make_server("127.0.0.1", port, self.app(), threaded=True, request_handler=_Quiet)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            self.faults.leave()
            server.shutdown()
            thread.join()
            server.server_close()

    def app(self) -> Flask:
        """The routes that our service and an operator call, and the pages people see."""
        app = Flask("stripe")
        routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("POST", "/v1/customers", self._create_customer),
            ("DELETE", "/v1/customers/<name>", self.account.delete_customer),
            ("POST", "/v1/checkout/sessions", self._create_session),
            ("POST", "/v1/billing_portal/sessions", self._create_portal),
            ("GET", "/v1/subscriptions/<name>", self.account.subscription),
            ("GET", "/v1/webhook_endpoints", self._endpoints),
            ("POST", "/v1/webhook_endpoints", self._create_endpoint),
            ("DELETE", "/v1/webhook_endpoints/<name>", self.account.delete_endpoint),
        )
        for method, rule, answer in routes:
            app.add_url_rule(rule, f"{method} {rule}", self._view(rule, answer), methods=[method])
        app.add_url_rule("/health", view_func=lambda: "up")
        app.add_url_rule("/pay/<name>", view_func=self._pay, methods=["GET", "POST"])
        app.add_url_rule("/portal/<name>", view_func=self._cancel, methods=["GET", "POST"])
        return app

    # --- The API ---------------------------------------------------------------------------------

    def _view(self, rule: str, answer: Callable[..., Any]) -> Callable[..., Response]:
        def view(**names: str) -> Response:
            self.calls[rule] += 1
            fault = self.faults.next(rule)
            if fault is None:
                return self._answered(answer, names)
            return self.faults.respond(
                fault,
                lambda: self._answered(answer, names),
                lambda told: _error(told.status, told.code),
            )

        return view

    def _answered(self, answer: Callable[..., Any], names: Mapping[str, str]) -> Response:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return _error(401, "api_key_missing")
        key, body = request.headers.get("Idempotency-Key"), request.get_data(as_text=True)
        with self.account.lock:
            if key and key in self.kept:
                known, told = self.kept[key]
                return jsonify(told) if known == body else _error(400, "idempotency_error")
            try:
                told = answer(**names)
            except StripeRefusal as exc:
                return _error(exc.status, exc.code)
            if key:
                self.kept[key] = (body, told)
            self.account.save()
            return jsonify(told)

    def _create_customer(self) -> dict[str, Any]:
        return self.account.create_customer(_asked("customers"))

    def _create_session(self) -> dict[str, Any]:
        return self.account.create_session(_asked("checkout"), request.host_url.rstrip("/"))

    def _create_portal(self) -> dict[str, Any]:
        return self.account.create_portal(_asked("portal"), request.host_url.rstrip("/"))

    def _create_endpoint(self) -> dict[str, Any]:
        return self.account.create_endpoint(_asked("endpoints"))

    def _endpoints(self) -> dict[str, Any]:
        shown = [
            {key: value for key, value in each.items() if key != "secret"}
            for each in self.account.endpoints.values()
        ]
        url = "/v1/webhook_endpoints"
        return {"object": "list", "url": url, "has_more": False, "data": shown}

    # --- The pages -------------------------------------------------------------------------------

    def _pay(self, name: str) -> Any:
        page = self.account.sessions.get(name)
        if page is None:
            return _error(404, "resource_missing")
        if request.method == "GET":
            return PAGE.format(action="Pay")
        with self.account.lock:
            is_paid = page["subscription"] is not None
            bought = self.account.subscription(page["subscription"]) if is_paid else None
            if bought is None:
                bought = self.account.pay(name)
        if not is_paid:
            self.tell("customer.subscription.created", bought)
            self.tell("checkout.session.completed", page)
        return redirect(page["asked"]["success_url"], 303)

    def _cancel(self, name: str) -> Any:
        portal = self.account.portals.get(name)
        if portal is None:
            return _error(404, "resource_missing")
        if request.method == "GET":
            return PAGE.format(action="Cancel the subscription")
        for subscription in self.account.running(portal["customer"]):
            self.account.cancel(subscription["id"])
            self.tell("customer.subscription.deleted", subscription)
        return redirect(portal["return_url"], 303)

    # --- Events ----------------------------------------------------------------------------------

    def tell(self, kind: str, told: Mapping[str, Any]) -> None:
        """Send an event to every endpoint; what is not taken is sent again later."""
        body = self.account.event(kind, told).decode()
        with self.account.lock:
            self.account.untold += [(name, body) for name in self.account.endpoints]
        self.tell_again()

    def tell_again(self) -> None:
        """Send what was not taken yet, in the order it happened."""
        with self._telling:
            for waiting in list(self.account.untold):
                name, text = waiting
                endpoint, body = self.account.endpoints[name], text.encode()
                if _taken(endpoint["url"], body, self.signature(body, secret=endpoint["secret"])):
                    with self.account.lock:
                        self.account.untold.remove(waiting)
                        self.account.save()

    def signature(self, body: bytes, *, at: float | None = None, secret: str | None = None) -> str:
        """The header Stripe sends along, made by its SDK."""
        moment = int(self.account.seconds() if at is None else at)
        header: str = WebhookSignature.generate_signature_header(
            body.decode(errors="replace"), secret or self.secret, moment
        )
        return header


def _taken(url: str, body: bytes, signature: str) -> bool:
    headers = {"Content-Type": "application/json", "Stripe-Signature": signature}
    call = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - an operator's address
    try:
        with urllib.request.urlopen(call, timeout=WEBHOOK_SECONDS) as answer:  # noqa: S310  # nosec B310 - as above
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP's OK
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False


def _asked(operation: str) -> dict[str, str]:
    """The form's fields; an unknown one is refused, as Stripe does."""
    asked = dict(request.form)
    if not all(PARAMETERS[operation].fullmatch(name) for name in asked):
        raise StripeRefusal(400, "parameter_unknown")
    return asked


def _error(status: int, code: str) -> Response:
    kind = "api_error" if status >= SERVER_ERROR else "invalid_request_error"
    response = jsonify({"error": {"type": kind, "code": code, "message": code}})
    response.status_code = status
    return response


class _Quiet(WSGIRequestHandler):
    """Says nothing of requests that went well."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


def main(arguments: list[str]) -> None:
    """Serve until SIGTERM or SIGINT."""
    port, *file = arguments
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    double = StripeDouble(account=StripeAccount(file=Path(file[0]) if file else None))
    with double.serve(int(port)) as url:
        sys.stdout.write(f"The double of Stripe answers on {url}\n")
        sys.stdout.flush()
        while not ended.wait(TELL_AGAIN_SECONDS):
            double.tell_again()


if __name__ == "__main__":
    main(sys.argv[1:])
