"""Roles in profiles, and the audit rows of what was refused."""

from budgetbuddy.domain.access import Limits
from budgetbuddy.domain.audit import Event, Outcome
from budgetbuddy.domain.identity import Profile
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer
from budgetbuddy.problems import NotFound, RateLimited
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Equals, Exists
from budgetbuddy.store.profiles import decode_profile, profile_key
from budgetbuddy.store.sessions import ended_sessions
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import update


class RoleRows:
    """Implements `domain.roles.RoleStore`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def find(self, user_id: str) -> Profile:
        """Raises `NotFound`."""
        row = self._store.ledger.get(profile_key(user_id))
        if row is None:
            raise NotFound
        return decode_profile(self._store, self._sealer, row)

    def replace(self, context: Context, profile: Profile, event: Event) -> None:
        """The roles and a higher epoch; no session is left."""

        def plan(_: Head) -> Plan[None]:
            version = profile.version + 1
            changed = update(
                self._store.ledger.name,
                profile_key(profile.user.id),
                set_={
                    "roles": list(profile.roles),
                    "epoch": profile.epoch + 1,
                    "version": version,
                },
                when=(
                    Exists("pk"),
                    Equals("version", profile.version),
                    Equals("epoch", profile.epoch),
                ),
            )
            return Plan(
                writes=(changed, *ended_sessions(self._store, profile.user)),
                changes=(Change(type="profile", id=profile.user.id, op="upsert", version=version),),
                audit=AuditEntry(
                    event=event,
                    object=f"user:{profile.user.id}",
                    details={"roles": list(profile.roles)},
                ),
                result=None,
            )

        self._commands.run(context, plan)


class DenialRows:
    """Implements `domain.access.Denials`."""

    def __init__(self, commands: Commands, limits: Limits) -> None:
        self._commands = commands
        self._limits = limits

    def record(self, context: Context, route: str, code: str) -> None:
        """An audit row, while there are few."""
        try:
            self._limits.take("denied", context.user.subject)
        except RateLimited:
            return  # counted by the limiter, and by the metric of the denial
        entry = AuditEntry(
            event=Event.DENIED,
            object=f"route:{route}",
            outcome=Outcome.DENIED,
            details={"code": code},
        )
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
