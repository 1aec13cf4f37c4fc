"""Entitlements, `ENT` below the user, and `STRIPE#{customer}`/`OWNER`, which leads to them."""

from datetime import datetime

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.billing import (
    CheckoutPage,
    Entitlement,
    PaymentStatus,
    Plan,
    Subscription,
    applied,
)
from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.ports import AuditEntry, Change, Context, UserRef
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head
from budgetbuddy.store.commands import Plan as WritePlan
from budgetbuddy.store.expressions import Absent, Either, Equals
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put


def entitlement_key(user_id: str) -> Key:
    """Where a user's entitlement lives."""
    return Key(pk=f"U#{user_id}", sk="ENT")


def customer_key(customer: str) -> Key:
    """Where a customer of the provider leads to the user."""
    return Key(pk=f"STRIPE#{customer}", sk="OWNER")


class _Unchanged(Exception):  # noqa: N818 - states a fact
    """What was told is known already."""


class EntitlementStore:
    """Implements `domain.billing.Entitlements`."""

    def __init__(self, store: Store, commands: Commands) -> None:
        self._store = store
        self._commands = commands

    def get(self, user: UserRef) -> Entitlement:
        """A user's; the free plan where nothing is kept."""
        row = self._store.ledger.get(entitlement_key(user.id))
        return _decode(row) if row else Entitlement()

    def opened(self, context: Context, customer: str, page: CheckoutPage) -> CheckoutPage:
        """Who pays, what leads back to the user, and the answer, in one transaction."""

        def plan(_: Head) -> WritePlan[CheckoutPage]:
            row = self._store.ledger.get(entitlement_key(context.user.id)) or {}
            owner = customer_key(customer)
            led: Item = {"pk": owner.pk, "sk": owner.sk, "v": 1, "uid": context.user.id}
            mine = Either((Absent("pk"), Equals("uid", context.user.id)))
            kept = self._kept(context.user, {**row, "cus": customer})
            return WritePlan(
                writes=(kept, put(self._store.ledger.name, led, when=(mine,))),
                audit=AuditEntry(event=Event.BILLING_CHECKOUT, object="entitlement:own"),
                result=page,
            )

        return self._commands.run(context, plan)

    def managed(self, context: Context, url: str) -> str:
        """An audit row and nothing else."""

        def plan(_: Head) -> WritePlan[str]:
            entry = AuditEntry(event=Event.BILLING_PORTAL, object="entitlement:own")
            return WritePlan(audit=entry, result=url)

        return self._commands.run(context, plan)

    def apply(self, context: Context, told: Subscription, seen_at: datetime) -> None:
        """Read after the head, so that of two parallel words the later stays."""

        def plan(_: Head) -> WritePlan[None]:
            row = self._store.ledger.get(entitlement_key(context.user.id)) or {}
            old = _decode(row) if row else Entitlement()
            new = applied(old, told, seen_at)
            if new is old:
                raise _Unchanged
            return WritePlan(
                writes=(self._kept(context.user, _encode(new)),),
                changes=(Change(type="entitlement", id="own", op="upsert", version=1),),
                audit=AuditEntry(
                    event=Event.BILLING_CHANGED,
                    object="entitlement:own",
                    details={"plan": new.plan, "status": new.status},
                ),
                result=None,
            )

        try:
            self._commands.run(context, plan)
        except _Unchanged:
            return

    def _kept(self, user: UserRef, attributes: Item) -> Write:
        key = entitlement_key(user.id)
        return put(self._store.ledger.name, {**attributes, "pk": key.pk, "sk": key.sk, "v": 1})


class CustomerRows:
    """Implements `domain.payments.CustomerOwners`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, customer: str) -> UserRef | None:
        """The user of a customer; None for nobody's, or when the user was erased."""
        row = self._store.ledger.get(customer_key(customer))
        profile = self._store.ledger.get(profile_key(row["uid"])) if row else None
        return UserRef(id=row["uid"], subject=profile["subject"]) if row and profile else None


def _encode(kept: Entitlement) -> Item:
    return {
        "plan": kept.plan,
        "validUntil": _text(kept.valid_until),
        "cus": kept.customer,
        "sub": kept.subscription,
        "stripeState": kept.status,
        "periodEnd": _text(kept.period_end),
        "cancelAt": _text(kept.cancel_at),
        "trialUsed": kept.trial_used,
        "seenAt": _text(kept.seen_at),
    }


def _decode(row: Item) -> Entitlement:
    return Entitlement(
        plan=Plan(row.get("plan", Plan.FREE)),
        valid_until=_instant(row.get("validUntil")),
        customer=row.get("cus"),
        subscription=row.get("sub"),
        status=PaymentStatus(row.get("stripeState", PaymentStatus.NONE)),
        period_end=_instant(row.get("periodEnd")),
        cancel_at=_instant(row.get("cancelAt")),
        trial_used=row.get("trialUsed", False),
        seen_at=_instant(row.get("seenAt")),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
