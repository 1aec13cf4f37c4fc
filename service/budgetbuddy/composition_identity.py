"""The identity half of the composition root: who users are and how they prove it."""

from dataclasses import dataclass

from budgetbuddy.domain.credentials import Credentials
from budgetbuddy.domain.email_change import EmailAddresses
from budgetbuddy.domain.enrolment import SecondFactors
from budgetbuddy.domain.ports import Clock
from budgetbuddy.domain.registration import Registrations
from budgetbuddy.domain.sessions import SessionIssuer, Sessions
from budgetbuddy.domain.sign_in import CodeChecks, SignIn
from budgetbuddy.gateways.mail import SesMail
from budgetbuddy.gateways.resilience import Guards
from budgetbuddy.security.authenticate import TokenAuthenticator
from budgetbuddy.security.envelope import Envelope
from budgetbuddy.security.passwords import Argon2Cost, Argon2Passwords
from budgetbuddy.security.ratelimit import WindowLimits
from budgetbuddy.security.tokens import JwtTokens, KeyedLookups, KeyRing
from budgetbuddy.security.totp import TotpCodes
from budgetbuddy.store.access_tokens import AccessTokenStore
from budgetbuddy.store.commands import Commands
from budgetbuddy.store.credentials import CredentialRows
from budgetbuddy.store.email_changes import EmailChangeRows
from budgetbuddy.store.identity import UserStore
from budgetbuddy.store.second_factors import FactorStore
from budgetbuddy.store.sessions import SessionRows, StandingRows
from budgetbuddy.store.table import Store


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every part is made with."""

    store: Store
    commands: Commands
    keys: Envelope
    ring: KeyRing
    lookups: KeyedLookups
    limits: WindowLimits
    clock: Clock
    guards: Guards


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The services of the identity half, as `Services` names them."""

    authenticator: TokenAuthenticator
    users: UserStore
    registrations: Registrations
    sign_in: SignIn
    second_factors: SecondFactors
    credentials: Credentials
    email_addresses: EmailAddresses
    access_tokens: AccessTokenStore
    sessions: Sessions


def build_identity(
    tools: Tools, mail: SesMail, argon2: Argon2Cost | None, remembered_seconds: float
) -> Identity:
    """Wire them; opens no connection."""
    rows = (tools.store, tools.commands, tools.keys)
    clock, lookups, limits = tools.clock, tools.lookups, tools.limits
    tokens, passwords = JwtTokens(tools.ring, clock), Argon2Passwords(argon2)
    users, factors, session_rows = UserStore(*rows), FactorStore(*rows), SessionRows(*rows)
    access_tokens = AccessTokenStore(*rows)
    issuer, codes = SessionIssuer(tokens, clock), TotpCodes()
    checks = CodeChecks(factors=factors, codes=codes, lookups=lookups, limits=limits, clock=clock)
    return Identity(
        authenticator=TokenAuthenticator(
            tokens,
            StandingRows(tools.store),
            access_tokens,
            clock,
            remembered_seconds=remembered_seconds,
        ),
        users=users,
        registrations=Registrations(
            users=users,
            keys=tools.keys,
            passwords=passwords,
            lookups=lookups,
            mail=mail,
            issuer=issuer,
            clock=clock,
        ),
        sign_in=SignIn(
            users=users,
            store=session_rows,
            factors=factors,
            checks=checks,
            issuer=issuer,
            passwords=passwords,
            lookups=lookups,
            limits=limits,
            clock=clock,
        ),
        second_factors=SecondFactors(
            users=users, factors=factors, codes=codes, checks=checks, clock=clock
        ),
        credentials=Credentials(
            users=users,
            sessions=session_rows,
            store=CredentialRows(*rows),
            checks=checks,
            issuer=issuer,
            keys=tools.keys,
            passwords=passwords,
            lookups=lookups,
            limits=limits,
            mail=mail,
            clock=clock,
        ),
        email_addresses=EmailAddresses(
            users=users, changes=EmailChangeRows(*rows), lookups=lookups, mail=mail, clock=clock
        ),
        access_tokens=access_tokens,
        sessions=Sessions(
            store=session_rows, issuer=issuer, tokens=tokens, limits=limits, clock=clock
        ),
    )
