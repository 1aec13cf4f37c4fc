"""Webhooks of users: where to, which events, and the secrets that sign what is sent.

A hook has one secret, or two while one takes the other's place: then both sign.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.problems import Conflict, LimitReached, Unprocessable

LIMIT: Final = 10  # of one user
FAILURES_ALLOWED: Final = 20  # in a row; then the hook is switched off
SECRET_BYTES: Final = 32
LONGEST_OVERLAP_HOURS: Final = 72
USUAL_OVERLAP_HOURS: Final = 24


class EventType(StrEnum):
    """What a hook can be told of; `TEST` is sent only when its owner asks for it."""

    TRANSACTION_CREATED = "transaction.created"
    TRANSACTION_UPDATED = "transaction.updated"
    TRANSACTION_DELETED = "transaction.deleted"
    ACCOUNT_UPDATED = "account.updated"
    BUDGET_THRESHOLD_REACHED = "budget.threshold_reached"
    GOAL_MILESTONE_REACHED = "goal.milestone_reached"
    IMPORT_FINISHED = "import.finished"
    BANK_NEEDS_ATTENTION = "plaid.item_needs_attention"
    TEST = "webhook.test"


SUBSCRIBABLE: Final = tuple(event for event in EventType if event is not EventType.TEST)


class DisabledReason(StrEnum):
    """Why nothing is sent."""

    OWNER = "owner"
    FAILURES = "failures"


class TargetNotAllowed(Unprocessable):
    """Nothing is ever sent there."""

    code = "url_not_allowed"
    title = "Webhooks go to https addresses of public hosts only"


class WebhookDisabled(Conflict):
    """It has to be enabled first."""

    code = "webhook_disabled"
    title = "The webhook is switched off"


@dataclass(frozen=True, kw_only=True)
class Secret:
    """What signs; `until` is RFC 3339, None for the one that stays."""

    value: str
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """`since` is the commit it was made with: it is told what comes after.

    `failures` counts attempts in a row and does not raise the version.
    """

    id: str
    url: str
    events: tuple[EventType, ...]
    description: str | None
    secrets: tuple[Secret, ...]
    since: int
    created_at: str
    disabled: DisabledReason | None = None
    failures: int = 0
    version: int = 1

    @property
    def enabled(self) -> bool:
        """Whether anything is sent."""
        return self.disabled is None


class Targets(Protocol):
    """Which addresses a hook can have."""

    def require(self, url: str) -> None:
        """Raises `TargetNotAllowed`. Nothing is looked up: that is done before each attempt."""


class Webhooks(Protocol):
    """The hooks of users."""

    def list(self, user: UserRef) -> Sequence[Webhook]:
        """All, oldest first."""

    def get(self, user: UserRef, webhook_id: str) -> Webhook:
        """One; raises `NotFound`."""

    def add(self, context: Context, webhook: Webhook) -> Webhook:
        """Store a new one; raises `LimitReached`."""

    def change(
        self, context: Context, webhook_id: str, version: int, fields: Mapping[str, Any]
    ) -> Webhook:
        """Replace fields; raises `NotFound`, `VersionConflict`."""

    def remove(self, context: Context, webhook_id: str, version: int) -> None:
        """It and what waits to be sent; raises `NotFound`, `VersionConflict`."""

    def rotate(self, context: Context, webhook_id: str, overlap_hours: int) -> Webhook:
        """A new secret; the one before signs too for some hours. Raises `NotFound`."""

    def note(self, user: UserRef, webhook_id: str, *, failed: bool) -> int:
        """Count how an attempt ended; how many failed in a row."""

    def give_up(self, user: UserRef, webhook_id: str) -> bool:
        """Switch it off after too many failures; whether that was done now."""


def new_secret() -> str:
    """Random, and recognisable where it should not be."""
    return f"whsec_{secrets.token_urlsafe(SECRET_BYTES)}"


def require_room(webhooks: Sequence[Webhook]) -> None:
    """Raises `LimitReached`."""
    if len(webhooks) >= LIMIT:
        raise LimitReached


def changed(webhook: Webhook, fields: Mapping[str, Any]) -> Webhook:
    """With fields replaced; `enabled` switches it on and forgets its failures, or off."""
    given = dict(fields)
    if "enabled" in given:
        is_on = given.pop("enabled")
        given |= {"disabled": None, "failures": 0} if is_on else {"disabled": DisabledReason.OWNER}
    return replace(webhook, **given, version=webhook.version + 1)


def rotated(webhook: Webhook, secret: str, now: datetime, overlap_hours: int) -> Webhook:
    """The newest of the old secrets signs a while longer, beside the new one."""
    until = format_instant(now + timedelta(hours=overlap_hours))
    newest = Secret(value=webhook.secrets[0].value, until=until)
    kept = (newest,) if overlap_hours else ()
    return replace(webhook, secrets=(Secret(value=secret), *kept), version=webhook.version + 1)


def signing(webhook: Webhook, now: datetime) -> tuple[str, ...]:
    """The secrets that sign now, the newest first."""
    at = format_instant(now)
    return tuple(s.value for s in webhook.secrets if s.until is None or s.until > at)
