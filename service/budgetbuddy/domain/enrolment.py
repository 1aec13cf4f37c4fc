"""Switching the second factor on and off, and new backup codes."""

from dataclasses import dataclass

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.identity import Profile
from budgetbuddy.domain.identity_ports import Users
from budgetbuddy.domain.ports import Clock, Context, UserRef
from budgetbuddy.domain.second_factor import (
    ENROLMENT_LIFE,
    Enrolment,
    Factor,
    Factors,
    MfaAlreadyEnabled,
    MfaNotEnabled,
    OneTimeCodes,
    new_backup_codes,
    require_optional,
)
from budgetbuddy.domain.sign_in import CodeChecks


@dataclass(frozen=True, kw_only=True)
class FactorState:
    """What a user sees of their second factor."""

    enrolled_at: str | None
    codes_left: int


class SecondFactors:
    """The use cases begin, confirm, disable and renew."""

    def __init__(
        self,
        *,
        users: Users,
        factors: Factors,
        codes: OneTimeCodes,
        checks: CodeChecks,
        clock: Clock,
    ) -> None:
        self._users = users
        self._factors = factors
        self._codes = codes
        self._checks = checks
        self._clock = clock

    def state(self, user: UserRef) -> FactorState:
        """Whether it is on."""
        factor = self._factors.find(user)
        if factor is None:
            return FactorState(enrolled_at=None, codes_left=0)
        return FactorState(enrolled_at=factor.enrolled_at, codes_left=len(factor.codes))

    def begin(self, context: Context) -> Enrolment:
        """A secret for the app; nothing changes until a code of it came back."""
        profile = self._users.get(context.user)
        if profile.mfa:
            raise MfaAlreadyEnabled
        secret = self._codes.new_secret()
        self._factors.hold(context.user, secret)
        encoded, uri = self._codes.uri(secret, profile.email)
        return Enrolment(secret=encoded, uri=uri, expires_at=self._clock() + ENROLMENT_LIFE)

    def confirm(self, context: Context, code: str) -> tuple[str, ...]:
        """Switch it on: the backup codes. Raises `MfaNotEnabled`, `MfaCodeInvalid`."""
        profile = self._users.get(context.user)
        if profile.mfa:
            raise MfaAlreadyEnabled
        secret = self._factors.held(context.user)
        if secret is None:
            raise MfaNotEnabled
        step = self._checks.step(profile, secret, code)
        backup = new_backup_codes()
        factor = Factor(
            secret=secret,
            last_step=step,
            codes=self._digests(profile, backup),
            enrolled_at=format_instant(self._clock()),
        )
        self._factors.enrol(context, factor)
        return backup

    def disable(self, context: Context, code: str) -> None:
        """Switch it off. Raises `MfaMandatoryForRole`, `MfaNotEnabled`, `MfaCodeInvalid`."""
        profile = self._enrolled(context)
        require_optional(profile)
        self._factors.disable(context, self._checks.prove(profile, code))

    def renew(self, context: Context, code: str) -> tuple[str, ...]:
        """New backup codes; the old ones die. Raises `MfaNotEnabled`, `MfaCodeInvalid`."""
        profile = self._enrolled(context)
        proof = self._checks.prove(profile, code)
        backup = new_backup_codes()
        self._factors.renew(context, proof, self._digests(profile, backup))
        return backup

    def _enrolled(self, context: Context) -> Profile:
        profile = self._users.get(context.user)
        if not profile.mfa:
            raise MfaNotEnabled
        return profile

    def _digests(self, profile: Profile, codes: tuple[str, ...]) -> frozenset[str]:
        return frozenset(self._checks.digest(profile, code) for code in codes)
