"""The composition root's parts: AWS clients and the services on top of them.

Called once in each worker process, after it has started: boto3 clients are shared by its threads,
never by processes.
"""

from typing import Any

import boto3
from botocore.config import Config

from budgetbuddy.domain.dates import utc_now
from budgetbuddy.domain.ports import Clock
from budgetbuddy.domain.registration import Registrations
from budgetbuddy.domain.services import Services
from budgetbuddy.domain.sessions import Sessions
from budgetbuddy.gateways.mail import SesMail
from budgetbuddy.security.authenticate import REMEMBERED_SECONDS, TokenAuthenticator
from budgetbuddy.security.cursors import SignedCursors
from budgetbuddy.security.envelope import Envelope
from budgetbuddy.security.passwords import Argon2Cost, Argon2Passwords
from budgetbuddy.security.ratelimit import WindowLimits
from budgetbuddy.security.tokens import JwtTokens, KeyedLookups, KeyRing
from budgetbuddy.settings import Settings
from budgetbuddy.store.accounts import AccountStore
from budgetbuddy.store.categories import CategoryStore
from budgetbuddy.store.commands import Commands
from budgetbuddy.store.idempotency import IdempotencyStore
from budgetbuddy.store.identity import UserStore
from budgetbuddy.store.imports import ImportStore
from budgetbuddy.store.jobs import JobStore
from budgetbuddy.store.months import MonthStore
from budgetbuddy.store.runtime import CounterRows, TableHealth, WrappedKeyRows
from budgetbuddy.store.sessions import SessionRows, StandingRows
from budgetbuddy.store.table import Store
from budgetbuddy.store.transactions import TransactionStore
from budgetbuddy.store.transfers import TransferStore

# (connect, read) timeouts in seconds; a required dependency gets three attempts.
TIMEOUTS = {"dynamodb": (1, 3), "kms": (1, 2), "ses": (1, 5)}
ATTEMPTS = 3
SPARE_CONNECTIONS = 4


def build_services(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    argon2: Argon2Cost | None = None,
    remembered_seconds: float = REMEMBERED_SECONDS,
    session: boto3.session.Session | None = None,
) -> Services:
    """Everything a route can ask for. Opens no connection: the first request does.

    `session` is what AWS clients are made from: it parses the service models once for all of them.
    """
    aws = session or boto3.session.Session()
    store = Store(_client(aws, settings, "dynamodb"), settings.dynamodb_table_prefix, clock)
    keys = Envelope(_client(aws, settings, "kms"), settings.data_key_id, WrappedKeyRows(store))
    commands = Commands(store, keys)
    ring = KeyRing(current=settings.jwt_key_id, keys=settings.token_keys)
    tokens, lookups = JwtTokens(ring, clock), KeyedLookups(settings.lookup_key_bytes)
    limits = WindowLimits(CounterRows(store), lookups, clock)
    users, passwords = UserStore(store, commands, keys), Argon2Passwords(argon2)
    sessions = Sessions(
        users=users,
        store=SessionRows(store, commands, keys),
        passwords=passwords,
        lookups=lookups,
        tokens=tokens,
        limits=limits,
        clock=clock,
    )
    accounts = AccountStore(store, commands, keys)
    categories = CategoryStore(store, commands, keys)
    return Services(
        clock=clock,
        authenticator=TokenAuthenticator(
            tokens, StandingRows(store), remembered_seconds=remembered_seconds
        ),
        limits=limits,
        cursors=SignedCursors(ring, clock),
        idempotency=IdempotencyStore(store, keys),
        health=TableHealth(store),
        users=users,
        registrations=Registrations(
            users=users,
            keys=keys,
            passwords=passwords,
            lookups=lookups,
            mail=SesMail(_client(aws, settings, "ses"), settings.email_from),
            sessions=sessions,
            clock=clock,
        ),
        sessions=sessions,
        accounts=accounts,
        transactions=TransactionStore(store, commands, keys),
        transfers=TransferStore(store, commands, keys, accounts),
        categories=categories,
        imports=ImportStore(store, commands, keys, categories),
        jobs=JobStore(store),
        months=MonthStore(store),
    )


def _client(aws: Any, settings: Settings, service: str) -> Any:
    """`aws` is a boto3 session, untyped: its overloads want literals, ours is a variable."""
    connect, read = TIMEOUTS[service]
    endpoint = settings.aws_endpoint_url
    return aws.client(
        service,
        region_name=settings.aws_region,
        endpoint_url=str(endpoint) if endpoint else None,
        config=Config(
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=settings.threads + SPARE_CONNECTIONS,
        ),
    )
