"""Sessions: log-in with equal answers, refresh tokens that rotate, and ends that hold."""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import NoReturn

from budgetbuddy.domain.access import Limits
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.identity import (
    REFRESH_GRACE,
    SESSION_IDLE,
    SESSION_LIFE,
    InvalidCredentials,
    Lookups,
    Origin,
    Passwords,
    Profile,
    RefreshInvalid,
    RefreshReused,
    Session,
    SessionStore,
    SignedIn,
    Status,
    Tokens,
    Users,
)
from budgetbuddy.domain.ids import Kind, is_id, make_id
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import NotFound, TooManyAttempts

ROTATION_TRIES = 4  # requests that race for one refresh token
IPV4_NETWORK, IPV6_NETWORK = 24, 48  # bits of an address that a session list shows


class Sessions:
    """The use cases log-in, refresh, logout, and the list of a user's sessions."""

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        *,
        users: Users,
        store: SessionStore,
        passwords: Passwords,
        lookups: Lookups,
        tokens: Tokens,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._users = users
        self._store = store
        self._passwords = passwords
        self._lookups = lookups
        self._tokens = tokens
        self._limits = limits
        self._clock = clock

    def login(self, email: str, password: str, device_name: str, origin: Origin) -> SignedIn:
        """Raises `InvalidCredentials`, or `TooManyAttempts` for a known e-mail as for any other."""
        email_hash = self._lookups.email(email)
        self._limits.take("login-ip", origin.ip)
        self._limits.take("login", f"{email_hash}|{origin.ip}")
        self._limits.require_below("login-account", email_hash)
        profile = self._users.find(email_hash)
        good = self._passwords.verify(profile.password_hash if profile else None, password)
        if profile is None or not good or profile.status is not Status.ACTIVE:
            self._failed(profile, email_hash, origin)
        if self._passwords.is_outdated(profile.password_hash):
            self._users.rehash(profile, self._passwords.hash(password))
        token, session = self.new(
            profile.user, epoch=profile.epoch, origin=origin, device_name=device_name
        )
        self._store.start(origin.context(profile.user, session.id), session)
        return self.signed_in(profile, session, token)

    def _failed(self, profile: Profile | None, email_hash: str, origin: Origin) -> NoReturn:
        quota = self._limits.take("login-account", email_hash)
        locked = quota.remaining == 0
        if profile is not None:
            self._users.login_failed(origin.context(profile.user), locked=locked)
        if locked:
            raise TooManyAttempts(quota.reset_seconds)
        raise InvalidCredentials

    def new(
        self, user: UserRef, *, epoch: int, origin: Origin, device_name: str
    ) -> tuple[str, Session]:
        """A refresh token and the session it belongs to, not stored yet."""
        now, session_id = self._clock(), make_id(Kind.SESSION)
        token = self._tokens.refresh(user, session_id)
        session = Session(
            id=session_id,
            user=user,
            token_hash=self._tokens.digest(token),
            rotated_at=now,
            auth_time=now,
            created_at=now,
            expires_at=now + SESSION_IDLE,
            epoch=epoch,
            device_name=device_name,
            network=network_of(origin.ip),
        )
        return token, session

    def signed_in(self, profile: Profile, session: Session, refresh_token: str) -> SignedIn:
        """The answer to a client that is known now."""
        access = self._tokens.access(profile, session, self._clock())
        return SignedIn(
            access_token=access, refresh_token=refresh_token, session=session, profile=profile
        )

    def refresh(self, token: str, origin: Origin) -> SignedIn:
        """Swap a refresh token for a new pair; raises `RefreshInvalid`, `RefreshReused`."""
        user_id, session_id = self._tokens.read_refresh(token)
        self._limits.take("refresh", session_id)
        digest = self._tokens.digest(token)
        for _ in range(ROTATION_TRIES):
            found = self._store.find(user_id, session_id)
            if found is None or found[0].epoch != found[1].epoch:
                raise RefreshInvalid
            profile, session = found
            if profile.status is not Status.ACTIVE:
                raise RefreshInvalid
            if not self._is_good(session, digest):
                context = origin.context(profile.user, session_id)
                self._store.end(context, [session_id], event=Event.REFRESH_REUSED)
                raise RefreshReused
            fresh = self._tokens.refresh(profile.user, session_id)
            rotated = self._rotated(session, self._tokens.digest(fresh))
            if self._store.rotate(rotated, read=session):
                return self.signed_in(profile, rotated, fresh)
        raise RefreshInvalid("too many requests used this refresh token at once")

    def _is_good(self, session: Session, digest: str) -> bool:
        if secrets.compare_digest(session.token_hash, digest):
            return True
        recent = self._clock() - session.rotated_at <= REFRESH_GRACE
        return recent and secrets.compare_digest(session.previous_hash, digest)

    def _rotated(self, session: Session, token_hash: str) -> Session:
        now = self._clock()
        return replace(
            session,
            token_hash=token_hash,
            previous_hash=session.token_hash,
            rotated_at=now,
            expires_at=min(now + SESSION_IDLE, session.created_at + SESSION_LIFE),
        )

    def logout(self, context: Context) -> None:
        """End the session of this request."""
        self._store.end(context, [context.session_id or ""], event=Event.LOGOUT)

    def list(self, user: UserRef) -> Sequence[Session]:
        """Living sessions, newest first."""
        return self._store.list(user)

    def revoke(self, context: Context, session_id: str) -> None:
        """End one session; raises `NotFound` for one the user does not have."""
        living = {session.id for session in self._store.list(context.user)}
        if not is_id(Kind.SESSION, session_id) or session_id not in living:
            raise NotFound
        self._store.end(context, [session_id], event=Event.SESSION_REVOKED)

    def revoke_others(self, context: Context) -> None:
        """End all sessions but the one of this request."""
        living = [session.id for session in self._store.list(context.user)]
        others = [session_id for session_id in living if session_id != context.session_id]
        if others:
            self._store.end(context, others, event=Event.SESSION_REVOKED)


def network_of(ip: str) -> str:
    """The network of an address: enough to recognise a session, too coarse to find a person."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    bits = IPV4_NETWORK if address.version == 4 else IPV6_NETWORK  # noqa: PLR2004 - IP version
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))
