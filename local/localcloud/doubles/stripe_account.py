"""The state behind the double of Stripe: who pays, for what, and who is told of it.

Kept in a file if one is given. Money moves when somebody pays on a page, see `doubles/stripe.py`.
"""

from __future__ import annotations

import json
import threading
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MONTH: Final = 30 * 86_400
DAY: Final = 86_400
STATE: Final = ("customers", "sessions", "portals", "subscriptions", "endpoints", "untold")


class StripeRefusal(Exception):  # noqa: N818 - states a fact
    """An error of Stripe's."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class StripeAccount:
    """Everything by its id, safe to share between threads. Tests reach into the fields."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    file: Path | None = None
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    portals: dict[str, dict[str, Any]] = field(default_factory=dict)
    subscriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    untold: list[tuple[str, str]] = field(default_factory=list)  # endpoint and body, to tell again

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        if self.file is not None and self.file.exists():
            for name, value in json.loads(self.file.read_text()).items():
                setattr(self, name, value)

    def save(self) -> None:
        """Keep the state; every change ends with it."""
        if self.file is not None:
            self.file.write_text(json.dumps({name: getattr(self, name) for name in STATE}))

    def create_customer(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Known by what is told of them, which is a pseudonym."""
        metadata = {"subject": asked.get("metadata[subject]")}
        made: dict[str, Any] = {"id": new_id("cus"), "object": "customer", "metadata": metadata}
        self.customers[made["id"]] = made
        return made

    def delete_customer(self, name: str) -> dict[str, Any]:
        """Their subscriptions end with them."""
        if self.customers.pop(name, None) is None:
            raise StripeRefusal(404, "resource_missing")
        for subscription in self.running(name):
            self.cancel(subscription["id"])
        return {"id": name, "object": "customer", "deleted": True}

    def create_session(self, asked: Mapping[str, str], base: str) -> dict[str, Any]:
        """A page to pay on, for a day."""
        customer = self._customer(asked)
        name = new_id("cs_test")
        made = {
            "id": name,
            "object": "checkout.session",
            "url": f"{base}/pay/{name}",
            "expires_at": self.seconds() + DAY,
            "customer": customer,
            "subscription": None,
        }
        self.sessions[name] = {**made, "asked": dict(asked)}
        return made

    def create_portal(self, asked: Mapping[str, str], base: str) -> dict[str, Any]:
        """A page to manage subscriptions on."""
        name = new_id("bps")
        self.portals[name] = {
            "customer": self._customer(asked),
            "return_url": asked.get("return_url", base),
        }
        url = f"{base}/portal/{name}"
        return {"id": name, "object": "billing_portal.session", "url": url}

    def create_endpoint(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """Where events are sent; what they are signed with is told this once."""
        made = {
            "id": new_id("we"),
            "object": "webhook_endpoint",
            "url": asked["url"],
            "secret": f"whsec_{uuid.uuid4().hex}",
        }
        self.endpoints[str(made["id"])] = made
        return made

    def delete_endpoint(self, name: str) -> dict[str, Any]:
        """Nothing is sent there any more."""
        if self.endpoints.pop(name, None) is None:
            raise StripeRefusal(404, "resource_missing")
        self.untold = [each for each in self.untold if each[0] != name]
        return {"id": name, "object": "webhook_endpoint", "deleted": True}

    def subscription(self, name: str) -> dict[str, Any]:
        """As it is now."""
        if name not in self.subscriptions:
            raise StripeRefusal(404, "resource_missing")
        return self.subscriptions[name]

    def running(self, customer: str) -> list[dict[str, Any]]:
        """What a customer has and did not cancel."""
        mine = (each for each in self.subscriptions.values() if each["customer"] == customer)
        return [each for each in mine if each["status"] != "canceled"]

    # --- What happens at Stripe -----------------------------------------------------------------

    def pay(self, session: str | None = None) -> dict[str, Any]:
        """Somebody pays on the page of a session, the newest unless named; the subscription."""
        page = self.sessions[session or list(self.sessions)[-1]]
        asked, now = page["asked"], self.seconds()
        days = int(asked.get("subscription_data[trial_period_days]", 0))
        end = now + (days * DAY or MONTH)
        made = {
            "id": new_id("sub"),
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
        self.save()
        return made

    def cancel(self, name: str) -> None:
        """A subscription ends now."""
        self.subscriptions[name] |= {"status": "canceled", "ended_at": self.seconds()}
        self.save()

    def event(self, kind: str, told: Mapping[str, Any], **fields: Any) -> bytes:
        """The body of an event as Stripe sends it."""
        shown = {key: value for key, value in told.items() if key != "asked"}
        document = {"id": new_id("evt"), "object": "event", "type": kind, "data": {"object": shown}}
        return json.dumps({**document, "created": self.seconds(), **fields}).encode()

    def seconds(self) -> int:
        """Now, since the epoch."""
        return int(self.now().timestamp())

    def _customer(self, asked: Mapping[str, str]) -> str:
        if asked["customer"] not in self.customers:
            raise StripeRefusal(400, "resource_missing")
        return asked["customer"]


def new_id(prefix: str) -> str:
    """As Stripe's ids look."""
    return f"{prefix}_{uuid.uuid4().hex[:24]}"
