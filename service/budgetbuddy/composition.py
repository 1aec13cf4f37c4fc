"""The composition root's parts: AWS clients and the services on top of them.

Called once in each worker process, after it has started: boto3 clients are shared by its threads,
never by processes.
"""

from functools import partial
from typing import Any

import boto3
from botocore.config import Config

from budgetbuddy.composition_banks import build_banks
from budgetbuddy.composition_billing import build_payments
from budgetbuddy.composition_identity import Tools, build_identity
from budgetbuddy.composition_oversight import build_oversight
from budgetbuddy.composition_privacy import build_erasures
from budgetbuddy.composition_webhooks import alert_raiser, build_hooks
from budgetbuddy.domain.analytics import Analytics
from budgetbuddy.domain.budget_reports import BudgetReports
from budgetbuddy.domain.cash_flow import CashFlow
from budgetbuddy.domain.dates import utc_now
from budgetbuddy.domain.import_jobs import ImportJobs
from budgetbuddy.domain.messages import Handler, Handlers, MessageKind, Queue
from budgetbuddy.domain.pinning import PINNING_FLAG
from budgetbuddy.domain.ports import Clock
from budgetbuddy.domain.recurring_calendar import RecurringCalendar
from budgetbuddy.domain.roles import Roles
from budgetbuddy.domain.services import Services
from budgetbuddy.gateways.bell import Bell
from budgetbuddy.gateways.mail import SesMail
from budgetbuddy.gateways.pinning import PinningSwitch
from budgetbuddy.gateways.queue import WAIT_SECONDS, Inbox, InlineQueue, SqsQueue
from budgetbuddy.gateways.resilience import SQS, Guards
from budgetbuddy.handlers import build_handlers
from budgetbuddy.security.authenticate import REMEMBERED_SECONDS
from budgetbuddy.security.cursors import SignedCursors
from budgetbuddy.security.envelope import Envelope
from budgetbuddy.security.passwords import Argon2Cost
from budgetbuddy.security.ratelimit import WindowLimits
from budgetbuddy.security.tokens import KeyedLookups, KeyRing
from budgetbuddy.settings import Environment, Settings
from budgetbuddy.store.account_removal import AccountRemovalStore
from budgetbuddy.store.accounts import AccountStore
from budgetbuddy.store.audit_trail import AuditTrailStore
from budgetbuddy.store.book_exports import BookExportStore
from budgetbuddy.store.budget_alerts import AlertStore
from budgetbuddy.store.budgets import BudgetStore, SpendingRows
from budgetbuddy.store.bulk import BulkStore
from budgetbuddy.store.categories import CategoryStore
from budgetbuddy.store.category_merges import CategoryMergeStore
from budgetbuddy.store.commands import Commands
from budgetbuddy.store.flags import FlagRows
from budgetbuddy.store.goals import GoalStore
from budgetbuddy.store.idempotency import IdempotencyStore
from budgetbuddy.store.imports import ImportStore
from budgetbuddy.store.jobs import JobStore
from budgetbuddy.store.months import MonthStore
from budgetbuddy.store.officers import OfficerRows
from budgetbuddy.store.personal_data import PersonalDataStore
from budgetbuddy.store.reconciliations import ReconciliationStore
from budgetbuddy.store.recurring import EntryRows, RecurringStore
from budgetbuddy.store.roles import DenialRows, RoleRows
from budgetbuddy.store.rule_runs import RuleRunStore
from budgetbuddy.store.rules import RuleStore
from budgetbuddy.store.runtime import CounterRows, TableHealth, WrappedKeyRows
from budgetbuddy.store.sync import SyncStore
from budgetbuddy.store.table import Store
from budgetbuddy.store.transactions import TransactionStore
from budgetbuddy.store.transfers import TransferStore
from budgetbuddy.store.waiting_rows import WaitingRowStore

# (connect, read) timeouts in seconds; a required dependency gets three attempts.
TIMEOUTS = {"dynamodb": (1, 3), "kms": (1, 2), "ses": (1, 5), "sqs": (1, 5)}
EVIDENCE_SECONDS = (1, 3)
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
    lookups = KeyedLookups(settings.lookup_key_bytes)
    keys = Envelope(_client(aws, settings, "kms"), settings.data_key_id, WrappedKeyRows(store))
    handlers: dict[MessageKind, Handler] = {}
    guards = Guards()
    queue = _queue(aws, settings, handlers, guards)
    bell = Bell(queue, waits=settings.jobs_queue_url is None)
    tools = Tools(
        store=store,
        commands=Commands(store, keys, tell=bell),
        keys=keys,
        ring=KeyRing(current=settings.jwt_key_id, keys=settings.token_keys),
        lookups=lookups,
        limits=WindowLimits(CounterRows(store), lookups, clock),
        clock=clock,
        guards=guards,
    )
    mail = SesMail(_client(aws, settings, "ses"), settings.email_from)
    identity = build_identity(tools, mail, argon2, remembered_seconds)
    rows = (store, tools.commands, keys)
    accounts, categories = AccountStore(*rows), CategoryStore(*rows)
    transfers = TransferStore(*rows, accounts)
    months, budgets = MonthStore(store), BudgetStore(*rows)
    audit_trail, recurring = AuditTrailStore(*rows), RecurringStore(*rows)
    calendar = RecurringCalendar(recurring, EntryRows(store, keys))
    flags = FlagRows(store, tools.commands)
    pinning = PinningSwitch(
        settings.pinning_mode,
        lambda: flags.get(PINNING_FLAG),
        tells_relaxed=settings.environment is Environment.PRODUCTION,
    )
    reports = BudgetReports(
        budgets=budgets, months=months, categories=categories, spending=SpendingRows(store)
    )
    alerts = AlertStore(*rows)
    raise_alerts = alert_raiser(tools, identity, reports, alerts)
    banks = build_banks(settings, tools, accounts, queue, pinning, raise_alerts)
    payments = build_payments(settings, tools, queue, pinning)
    erasures = build_erasures(tools, identity, banks, payments)
    hooks = build_hooks(settings, tools, identity, mail, queue, raise_alerts)
    oversight = build_oversight(
        settings, tools, erasures, queue, partial(_client, aws, settings, timeouts=EVIDENCE_SECONDS)
    )
    imports, jobs = ImportStore(*rows, categories), JobStore(store, tools.commands)
    import_jobs = ImportJobs(
        imports=imports,
        waiting=WaitingRowStore(store, keys),
        accounts=accounts,
        jobs=jobs,
        queue=queue,
        clock=clock,
    )
    handlers |= build_handlers(
        bank_webhooks=banks.webhooks,
        payments=payments,
        erasures=erasures,
        notices=hooks.notices,
        verification=oversight.verification,
        import_jobs=import_jobs,
    )
    return Services(
        clock=clock,
        limits=tools.limits,
        denials=DenialRows(tools.commands, tools.limits),
        cursors=SignedCursors(tools.ring, clock),
        idempotency=IdempotencyStore(store, keys),
        health=TableHealth(store),
        authenticator=identity.authenticator,
        users=identity.users,
        roles=Roles(RoleRows(*rows)),
        registrations=identity.registrations,
        sign_in=identity.sign_in,
        second_factors=identity.second_factors,
        credentials=identity.credentials,
        email_addresses=identity.email_addresses,
        access_tokens=identity.access_tokens,
        sessions=identity.sessions,
        accounts=accounts,
        erasures=erasures,
        audit_trail=audit_trail,
        book_exports=BookExportStore(*rows, audit_trail),
        personal_data=PersonalDataStore(*rows, audit_trail),
        bank_links=banks.links,
        bank_webhooks=banks.webhooks,
        transactions=TransactionStore(*rows),
        bulk=BulkStore(*rows),
        account_removal=AccountRemovalStore(*rows, accounts),
        reconciliations=ReconciliationStore(*rows, accounts),
        transfers=transfers,
        sync_feed=SyncStore(store, keys, transfer_rows=transfers, category_rows=categories),
        categories=categories,
        category_merges=CategoryMergeStore(*rows, categories),
        imports=imports,
        import_jobs=import_jobs,
        jobs=jobs,
        months=months,
        analytics=Analytics(months=months, accounts=accounts, categories=categories),
        budgets=budgets,
        budget_reports=reports,
        budget_alerts=alerts,
        goals=GoalStore(*rows),
        rules=RuleStore(*rows),
        rule_runs=RuleRunStore(*rows, accounts),
        recurring=recurring,
        recurring_calendar=calendar,
        cash_flow=CashFlow(accounts=accounts, months=months, items=recurring, calendar=calendar),
        webhooks=hooks.webhooks,
        webhook_targets=hooks.targets,
        deliveries=hooks.deliveries,
        notices=hooks.notices,
        officers=OfficerRows(tools.commands),
        compliance=oversight.compliance,
        verification=oversight.verification,
        operations=oversight.operations,
        queue=queue,
        payments=payments,
        handlers=handlers,
        flags=flags,
        pinning=pinning,
    )


def build_inbox(settings: Settings, session: boto3.session.Session | None = None) -> Inbox:
    """The worker's end of the queue; its client waits for messages longer than for answers."""
    aws = session or boto3.session.Session()
    connect, read = TIMEOUTS["sqs"]
    client = _client(aws, settings, "sqs", (connect, read + WAIT_SECONDS))
    return Inbox(client, str(settings.jobs_queue_url))


def _queue(aws: Any, settings: Settings, handlers: Handlers, guards: Guards) -> Queue:
    """Without a queue the handlers are called at once; they are filled in later."""
    if settings.jobs_queue_url is None:
        return InlineQueue(handlers)
    return SqsQueue(_client(aws, settings, "sqs"), str(settings.jobs_queue_url), guards.of(SQS))


def _client(
    aws: Any, settings: Settings, service: str, timeouts: tuple[int, int] | None = None
) -> Any:
    """`aws` is a boto3 session, untyped: its overloads want literals, ours is a variable."""
    connect, read = timeouts or TIMEOUTS[service]
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
