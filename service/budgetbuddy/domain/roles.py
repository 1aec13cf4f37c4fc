"""Roles: what an operator makes of a user, from the command line only.

A change of roles ends the user's sessions: whoever signs in again has the roles of today.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from budgetbuddy.domain.access import Role
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.identity import Profile
from budgetbuddy.domain.ports import Context
from budgetbuddy.problems import Conflict

ACTOR = "system"  # nobody who is signed in can do this


class RolesUnchanged(Conflict):
    """The user has the role already, or never had it."""

    code = "roles_unchanged"
    title = "The roles of the user are as wanted already"


class RoleStore(Protocol):
    """Where the roles of users are."""

    def find(self, user_id: str) -> Profile:
        """Raises `NotFound`."""

    def replace(self, context: Context, profile: Profile, event: Event) -> None:
        """Store the roles of `profile`, raise its epoch and end all sessions, in one transaction.

        Raises `VersionConflict` when the profile was changed since it was read.
        """


class Roles:
    """The use cases grant and revoke."""

    def __init__(self, store: RoleStore) -> None:
        self._store = store

    def grant(self, user_id: str, role: Role, *, request_id: str) -> tuple[str, ...]:
        """The roles from now on. Raises `NotFound`, `RolesUnchanged`."""
        return self._change(user_id, lambda held: held | {role}, Event.ROLE_GRANTED, request_id)

    def revoke(self, user_id: str, role: Role, *, request_id: str) -> tuple[str, ...]:
        """The roles from now on. Raises `NotFound`, `RolesUnchanged`."""
        return self._change(user_id, lambda held: held - {role}, Event.ROLE_REVOKED, request_id)

    def _change(
        self,
        user_id: str,
        change: Callable[[frozenset[str]], frozenset[str]],
        event: Event,
        request_id: str,
    ) -> tuple[str, ...]:
        profile = self._store.find(user_id)
        held = tuple(sorted(change(frozenset(profile.roles))))
        if held == profile.roles:
            raise RolesUnchanged
        context = Context(user=profile.user, request_id=request_id, actor=ACTOR)
        self._store.replace(context, replace(profile, roles=held), event)
        return held
