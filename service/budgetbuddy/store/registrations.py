"""Pending registrations, on the Runtime table: `REG#{id}`, gone after 15 minutes."""

import math
from dataclasses import asdict

from budgetbuddy.domain.dates import format_instant, parse_instant
from budgetbuddy.domain.identity import (
    CODE_TRIES,
    Preferences,
    Registration,
)
from budgetbuddy.domain.identity_ports import (
    UserKeys,
)
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Compare, Exists
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, put, update


class _Spent(Exception):  # noqa: N818 - states a fact
    """No try is left, or there never was a registration."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def registration_key(registration_id: str) -> Key:
    """Where a registration waits."""
    return Key(pk=f"REG#{registration_id}", sk="REG")


def keep_registration(store: Store, keys: UserKeys, registration: Registration) -> None:
    """Store it with five tries; a renewed one starts again with its new code."""
    key = registration_key(registration.id)
    personal = {
        "email": registration.email,
        "passwordHash": registration.password_hash,
        "preferences": asdict(registration.preferences),
    }
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "uid": registration.user.id,
        "subject": registration.user.subject,
        "key": registration.wrapped_key,
        "emailHash": registration.email_hash,
        "code": registration.code_hash,
        "decoy": registration.decoy,
        "mails": registration.mails,
        "tries": 0,
        "expiresAt": format_instant(registration.expires_at),
        "ttl": math.ceil(registration.expires_at.timestamp()),
        "x": seal_fields(keys, registration.user, store.runtime.place(key), personal),
    }
    store.write(put(store.runtime.name, row))


def load_registration(store: Store, keys: UserKeys, registration_id: str) -> Registration | None:
    """The registration, while it can be confirmed."""
    key = registration_key(registration_id)
    row = store.runtime.get(key)
    if row is None:
        return None
    user = UserRef(id=row["uid"], subject=row["subject"])
    keys.adopt_key(user, row["key"])
    personal = open_fields(keys, user, store.runtime.place(key), row["x"])
    chosen = personal["preferences"]
    chosen["alert_thresholds"] = tuple(chosen["alert_thresholds"])
    return Registration(
        id=registration_id,
        user=user,
        wrapped_key=row["key"],
        email=personal["email"],
        email_hash=row["emailHash"],
        password_hash=personal["passwordHash"],
        preferences=Preferences(**chosen),
        code_hash=row["code"],
        decoy=row["decoy"],
        expires_at=parse_instant(row["expiresAt"]),
        mails=row["mails"],
    )


def count_try(store: Store, registration_id: str) -> bool:
    """One try fewer; false when none was left. Counted before the code is looked at."""
    when = (Exists("pk"), Compare("tries", "<", CODE_TRIES))
    key = registration_key(registration_id)
    try:
        store.write(update(store.runtime.name, key, add={"tries": 1}, when=when, refuse=_Spent))
    except _Spent:
        return False
    return True
