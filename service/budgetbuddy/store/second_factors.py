"""Second factors: the row `MFA` in the ledger; enrolments and challenges on the Runtime table."""

import math
from datetime import UTC, datetime

from budgetbuddy.domain.audit import Event, Outcome
from budgetbuddy.domain.identity import BY_PASSWORD, BY_TWO_FACTORS, Profile, Session
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.domain.second_factor import (
    CHALLENGE_TRIES,
    ENROLMENT_LIFE,
    Challenge,
    Factor,
    MfaAlreadyEnabled,
    MfaChallengeExpired,
    MfaCodeInvalid,
    Proof,
    used,
)
from budgetbuddy.problems import SessionRevoked
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Compare, Equals, Exists
from budgetbuddy.store.profiles import load_profile, profile_key
from budgetbuddy.store.runtime import pointer_write
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.sessions import ended_sessions, overdue_sessions, session_key, session_write
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update


class _Spent(Exception):  # noqa: N818 - states a fact
    """No try is left, or there never was a challenge."""

    def __init__(self, _: Item | None) -> None:
        super().__init__()


def factor_key(user_id: str) -> Key:
    """Where the factor of a user lives."""
    return Key(pk=f"U#{user_id}", sk="MFA")


def enrolment_key(user_id: str) -> Key:
    """Where a secret waits for its first code."""
    return Key(pk=f"U#{user_id}", sk="TOTP")


def challenge_key(digest: str) -> Key:
    """Where a challenge waits for its answer."""
    return Key(pk=f"MFA#{digest}", sk="CH")


def load_factor(store: Store, sealer: Sealer, user: UserRef) -> Factor | None:
    """The factor, while it is on."""
    key = factor_key(user.id)
    row = store.ledger.get(key)
    if row is None:
        return None
    personal = open_fields(sealer, user, store.ledger.place(key), row["x"])
    return Factor(
        secret=bytes.fromhex(personal["secret"]),
        last_step=row["lastStep"],
        codes=frozenset(row.get("codes", ())),
        enrolled_at=row["enrolledAt"],
    )


def factor_write(
    store: Store, sealer: Sealer, user: UserRef, factor: Factor, *, is_new: bool
) -> Write:
    """Put the row, over the one that was read after the head unless it is new."""
    key = factor_key(user.id)
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "lastStep": factor.last_step,
        "enrolledAt": factor.enrolled_at,
        "x": seal_fields(sealer, user, store.ledger.place(key), {"secret": factor.secret.hex()}),
    }
    if factor.codes:  # DynamoDB has no empty sets
        row["codes"] = factor.codes
    when = (Absent("pk"),) if is_new else (Exists("pk"),)
    refuse = MfaAlreadyEnabled if is_new else MfaCodeInvalid
    return put(store.ledger.name, row, when=when, refuse=lambda _: refuse())


def proof_write(store: Store, sealer: Sealer, user: UserRef, proof: Proof) -> Write:
    """Use up a proof, as of the head. Raises `MfaCodeInvalid` when it was used before."""
    factor = load_factor(store, sealer, user)
    if factor is None:
        raise MfaCodeInvalid
    return factor_write(store, sealer, user, used(factor, proof), is_new=False)


class FactorStore:
    """Implements `domain.second_factor.Factors`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def find(self, user: UserRef) -> Factor | None:
        """The factor that is on."""
        return load_factor(self._store, self._sealer, user)

    def hold(self, user: UserRef, secret: bytes) -> None:
        """Keep a secret for ten minutes; a newer one takes its place."""
        key = enrolment_key(user.id)
        place = self._store.runtime.place(key)
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "x": seal_fields(self._sealer, user, place, {"secret": secret.hex()}),
            "ttl": math.ceil((self._store.clock() + ENROLMENT_LIFE).timestamp()),
        }
        self._store.write(put(self._store.runtime.name, row))

    def held(self, user: UserRef) -> bytes | None:
        """The secret that waits."""
        key = enrolment_key(user.id)
        row = self._store.runtime.get(key)
        if row is None:
            return None
        place = self._store.runtime.place(key)
        return bytes.fromhex(open_fields(self._sealer, user, place, row["x"])["secret"])

    def enrol(self, context: Context, factor: Factor) -> None:
        """The factor, the profile that asks for it, and this session as the only one."""

        def plan(_: Head) -> Plan[None]:
            writes = [
                factor_write(self._store, self._sealer, context.user, factor, is_new=True),
                delete(self._store.runtime.name, enrolment_key(context.user.id)),
            ]
            return self._switch(context, writes, Event.MFA_ENROLLED, is_on=True)

        self._commands.run(context, plan)

    def disable(self, context: Context, proof: Proof) -> None:
        """The factor goes; this session stays."""

        def plan(_: Head) -> Plan[None]:
            factor = load_factor(self._store, self._sealer, context.user)
            if factor is None:
                raise MfaCodeInvalid
            used(factor, proof)
            writes = [delete(self._store.ledger.name, factor_key(context.user.id))]
            return self._switch(context, writes, Event.MFA_DISABLED, is_on=False)

        self._commands.run(context, plan)

    def _switch(
        self, context: Context, writes: list[Write], event: Event, *, is_on: bool
    ) -> Plan[None]:
        """The epoch rises for all sessions but this one; the profile shows it."""
        store, user = self._store, context.user
        profile: Profile = load_profile(store, self._sealer, user)
        epoch, version = profile.epoch + 1, profile.version + 1
        session_id = context.session_id or ""
        switched = update(
            store.ledger.name,
            profile_key(user.id),
            set_={"mfa": is_on, "epoch": epoch, "version": version},
            when=(Exists("pk"), Equals("epoch", profile.epoch)),
        )
        amr = BY_TWO_FACTORS if is_on else BY_PASSWORD
        lifted = update(
            store.runtime.name,
            session_key(user.id, session_id),
            set_={"epoch": epoch, "amr": list(amr)},
            when=(Exists("pk"),),
            refuse=lambda _: SessionRevoked(),
        )
        others = ended_sessions(store, user, keep=session_id)
        return Plan(
            writes=(*writes, switched, lifted, *others),
            changes=(Change(type="profile", id=user.id, op="upsert", version=version),),
            audit=AuditEntry(event=event, object=f"user:{user.id}"),
            result=None,
        )

    def renew(self, context: Context, proof: Proof, codes: frozenset[str]) -> None:
        """Other backup codes."""

        def plan(_: Head) -> Plan[None]:
            factor = load_factor(self._store, self._sealer, context.user)
            if factor is None:
                raise MfaCodeInvalid
            renewed = Factor(**{**vars(used(factor, proof)), "codes": codes})
            write = factor_write(self._store, self._sealer, context.user, renewed, is_new=False)
            entry = AuditEntry(event=Event.BACKUP_CODES_RENEWED, object=f"user:{context.user.id}")
            return Plan(writes=(write,), audit=entry, result=None)

        self._commands.run(context, plan)

    def challenge(self, challenge: Challenge) -> None:
        """Keep a challenge, with five tries."""
        key = challenge_key(challenge.digest)
        place = self._store.runtime.place(key)
        personal = {"device": challenge.device_name}
        row: Item = {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "uid": challenge.user.id,
            "subject": challenge.user.subject,
            "epoch": challenge.epoch,
            "tries": 0,
            "x": seal_fields(self._sealer, challenge.user, place, personal),
            "ttl": math.floor(challenge.expires_at.timestamp()),
        }
        kept = put(self._store.runtime.name, row, when=(Absent("pk"),))
        found_by = pointer_write(self._store, challenge.user.id, key, row["ttl"])
        self._commands.commit([kept, found_by])

    def try_challenge(self, digest: str) -> Challenge | None:
        """Count one try before the code is looked at."""
        key = challenge_key(digest)
        now = int(self._store.clock().timestamp())
        when = (Exists("pk"), Compare("tries", "<", CHALLENGE_TRIES), Compare("ttl", ">", now))
        count = update(self._store.runtime.name, key, add={"tries": 1}, when=when, refuse=_Spent)
        try:
            row = self._store.write(count)
        except _Spent:
            return None
        user = UserRef(id=row["uid"], subject=row["subject"])
        personal = open_fields(self._sealer, user, self._store.runtime.place(key), row["x"])
        return Challenge(
            user=user,
            digest=digest,
            epoch=row["epoch"],
            device_name=personal["device"],
            expires_at=datetime.fromtimestamp(row["ttl"], tz=UTC),
        )

    def sign_in(self, context: Context, session: Session, proof: Proof, digest: str) -> None:
        """The session, its proof and its challenge in one transaction."""

        def plan(_: Head) -> Plan[None]:
            is_backup = proof.code is not None
            return Plan(
                writes=(
                    proof_write(self._store, self._sealer, context.user, proof),
                    delete(
                        self._store.runtime.name,
                        challenge_key(digest),
                        when=(Exists("pk"),),
                        refuse=lambda _: MfaChallengeExpired(),
                    ),
                    session_write(self._store, self._sealer, session),
                    *overdue_sessions(self._store, context.user),
                ),
                audit=AuditEntry(
                    event=Event.BACKUP_CODE_USED if is_backup else Event.LOGIN,
                    object=f"session:{session.id}",
                    details={"method": proof.method},
                ),
                result=None,
            )

        self._commands.run(context, plan)

    def failed(self, context: Context) -> None:
        """Leave an audit row."""
        entry = AuditEntry(
            event=Event.MFA_FAILED, object=f"user:{context.user.id}", outcome=Outcome.FAILURE
        )
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
