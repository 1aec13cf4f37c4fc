"""Sessions: refresh tokens that rotate, and ends that hold."""

import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import replace

from budgetbuddy.domain.access import Limits
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.identity import (
    BY_PASSWORD,
    REFRESH_GRACE,
    SESSION_IDLE,
    SESSION_LIFE,
    Origin,
    Profile,
    RefreshInvalid,
    RefreshReused,
    Session,
    SignedIn,
    Status,
)
from budgetbuddy.domain.identity_ports import (
    SessionStore,
    Tokens,
)
from budgetbuddy.domain.ids import Kind, is_id, make_id
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.problems import NotFound

ROTATION_TRIES = 4  # requests that race for one refresh token
IPV4_NETWORK, IPV6_NETWORK = 24, 48  # bits of an address that a session list shows


class SessionIssuer:
    """Makes sessions and the pair of tokens a client gets for one."""

    def __init__(self, tokens: Tokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    def new(
        self,
        user: UserRef,
        *,
        epoch: int,
        origin: Origin,
        device_name: str,
        amr: tuple[str, ...] = BY_PASSWORD,
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
            amr=amr,
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

    def access_token(self, profile: Profile, session: Session) -> str:
        """Another access token of a session."""
        return self._tokens.access(profile, session, self._clock())

    def digest(self, token: str) -> str:
        """What is stored of a random token."""
        return self._tokens.digest(token)


class Sessions:
    """The use cases refresh, logout, and the list of a user's sessions."""

    def __init__(
        self,
        *,
        store: SessionStore,
        issuer: SessionIssuer,
        tokens: Tokens,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._store = store
        self._issuer = issuer
        self._tokens = tokens
        self._limits = limits
        self._clock = clock

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
                return self._issuer.signed_in(profile, rotated, fresh)
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
