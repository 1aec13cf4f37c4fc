"""Signing in: log-in with equal answers, and the second factor between password and session."""

import secrets
from typing import NoReturn

from budgetbuddy.domain.access import Limits
from budgetbuddy.domain.identity import (
    BY_TWO_FACTORS,
    InvalidCredentials,
    Origin,
    Profile,
    SignedIn,
    Status,
)
from budgetbuddy.domain.identity_ports import Lookups, Passwords, SessionStore, Users
from budgetbuddy.domain.ports import Clock
from budgetbuddy.domain.second_factor import (
    CHALLENGE_LIFE,
    Challenge,
    Challenged,
    Factor,
    Factors,
    Method,
    MfaChallengeExpired,
    MfaCodeInvalid,
    OneTimeCodes,
    Proof,
    context_of,
    method_of,
)
from budgetbuddy.domain.sessions import SessionIssuer
from budgetbuddy.problems import TooManyAttempts

_TOKEN_BYTES = 32


class CodeChecks:
    """Whether a code proves the second factor; each try counts against the account."""

    def __init__(
        self,
        *,
        factors: Factors,
        codes: OneTimeCodes,
        lookups: Lookups,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._factors = factors
        self._codes = codes
        self._lookups = lookups
        self._limits = limits
        self._clock = clock

    def prove(self, profile: Profile, code: str, method: Method | None = None) -> Proof:
        """The proof; raises `MfaCodeInvalid`, `RateLimited` after 20 tries in an hour."""
        self._limits.take("mfa", profile.user.subject)
        factor = self._factors.find(profile.user)
        if factor is None:
            raise MfaCodeInvalid
        return self._proof(profile, factor, code.strip().upper(), method)

    def step(self, profile: Profile, secret: bytes, code: str) -> int:
        """The time step of a code of a secret that is not on yet; counts and raises as `prove`."""
        self._limits.take("mfa", profile.user.subject)
        step = self._codes.step_of(secret, code.strip(), self._clock())
        if step is None:
            raise MfaCodeInvalid
        return step

    def _proof(self, profile: Profile, factor: Factor, code: str, method: Method | None) -> Proof:
        if (method or method_of(code)) is Method.TOTP:
            step = self._codes.step_of(factor.secret, code, self._clock())
            if step is not None and step > factor.last_step:
                return Proof(step=step)
        else:
            digest = self.digest(profile, code)
            if digest in factor.codes:
                return Proof(code=digest)
        raise MfaCodeInvalid

    def digest(self, profile: Profile, code: str) -> str:
        """What is stored of a backup code."""
        return self._lookups.code(f"backup|{profile.user.id}", code)


class SignIn:
    """The use cases log-in and its second step."""

    def __init__(  # noqa: PLR0913 - one argument a port
        self,
        *,
        users: Users,
        store: SessionStore,
        factors: Factors,
        checks: CodeChecks,
        issuer: SessionIssuer,
        passwords: Passwords,
        lookups: Lookups,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._users = users
        self._store = store
        self._factors = factors
        self._checks = checks
        self._issuer = issuer
        self._passwords = passwords
        self._lookups = lookups
        self._limits = limits
        self._clock = clock

    def login(
        self, email: str, password: str, device_name: str, origin: Origin
    ) -> SignedIn | Challenged:
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
        if profile.mfa:
            return self._challenge(profile, device_name)
        token, session = self._issuer.new(
            profile.user, epoch=profile.epoch, origin=origin, device_name=device_name
        )
        self._store.start(origin.context(profile.user, session.id), session)
        return self._issuer.signed_in(profile, session, token)

    def _failed(self, profile: Profile | None, email_hash: str, origin: Origin) -> NoReturn:
        quota = self._limits.take("login-account", email_hash)
        locked = quota.remaining == 0
        if profile is not None:
            self._users.login_failed(origin.context(profile.user), locked=locked)
        if locked:
            raise TooManyAttempts(quota.reset_seconds)
        raise InvalidCredentials

    def _challenge(self, profile: Profile, device_name: str) -> Challenged:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._factors.challenge(
            Challenge(
                user=profile.user,
                digest=self._issuer.digest(token),
                epoch=profile.epoch,
                device_name=device_name,
                expires_at=self._clock() + CHALLENGE_LIFE,
            )
        )
        return Challenged(token=token)

    def verify(self, token: str, method: Method, code: str, origin: Origin) -> SignedIn:
        """Raises `MfaChallengeExpired`, `MfaCodeInvalid`, `RateLimited`."""
        challenge = self._factors.try_challenge(self._issuer.digest(token))
        if challenge is None:
            raise MfaChallengeExpired
        profile = self._users.get(challenge.user)
        if profile.epoch != challenge.epoch or profile.status is not Status.ACTIVE:
            raise MfaChallengeExpired  # the password changed since it was right
        try:
            proof = self._checks.prove(profile, code, method)
        except MfaCodeInvalid:
            self._factors.failed(context_of(origin, challenge))
            raise
        refresh, session = self._issuer.new(
            profile.user,
            epoch=profile.epoch,
            origin=origin,
            device_name=challenge.device_name,
            amr=BY_TWO_FACTORS,
        )
        context = context_of(origin, challenge, session.id)
        self._factors.sign_in(context, session, proof, challenge.digest)
        return self._issuer.signed_in(profile, session, refresh)
