"""Profile rows, and how a profile is read from one."""

from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.identity import (
    Preferences,
    Profile,
    Status,
)
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.problems import NotFound
from budgetbuddy.store.codec import Item
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key


def profile_key(user_id: str) -> Key:
    """Where a profile lives."""
    return Key(pk=f"U#{user_id}", sk="PROFILE")


def profile_row(store: Store, sealer: Sealer, profile: Profile) -> Item:
    """The whole row; e-mail and name sealed."""
    key = profile_key(profile.user.id)
    chosen = profile.preferences
    personal = {"email": profile.email, "displayName": chosen.display_name}
    return {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "status": profile.status,
        "epoch": profile.epoch,
        "subject": profile.user.subject,
        "roles": list(profile.roles),
        "emailHash": profile.email_hash,
        "pw": profile.password_hash,
        "mfa": profile.mfa,
        "createdAt": format_instant(profile.created_at),
        "currency": chosen.currency,
        "timezone": chosen.timezone,
        "locale": chosen.locale,
        "weekStart": chosen.week_start,
        "alertThresholds": list(chosen.alert_thresholds),
        "alertEmail": chosen.alert_email,
        "x": seal_fields(sealer, profile.user, store.ledger.place(key), personal),
        "version": profile.version,
    }


def load_profile(store: Store, sealer: Sealer, user: UserRef) -> Profile:
    """The profile of a user; raises `NotFound`."""
    row = store.ledger.get(profile_key(user.id))
    if row is None:
        raise NotFound
    return decode_profile(store, sealer, row)


def decode_profile(store: Store, sealer: Sealer, row: Item) -> Profile:
    """The profile of a row."""
    user = UserRef(id=row["pk"].removeprefix("U#"), subject=row["subject"])
    personal = open_fields(sealer, user, store.ledger.place(profile_key(user.id)), row["x"])
    return Profile(
        user=user,
        email=personal["email"],
        email_hash=row["emailHash"],
        password_hash=row["pw"],
        preferences=Preferences(
            display_name=personal["displayName"],
            currency=row["currency"],
            timezone=row["timezone"],
            locale=row["locale"],
            week_start=row["weekStart"],
            alert_thresholds=tuple(row["alertThresholds"]),
            alert_email=row["alertEmail"],
        ),
        created_at=parse_instant(row["createdAt"]),
        roles=tuple(row["roles"]),
        status=Status(row["status"]),
        epoch=row["epoch"],
        mfa=row["mfa"],
        version=row["version"],
    )
