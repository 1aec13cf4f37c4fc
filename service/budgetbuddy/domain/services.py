"""The bag of ports that routes reach through `services()`; the composition root fills it."""

from collections.abc import Callable
from dataclasses import dataclass

from budgetbuddy.domain.access import Authenticator, Denials, Limits
from budgetbuddy.domain.access_tokens import AccessTokens
from budgetbuddy.domain.account_removal import AccountRemoval, Reconciliations
from budgetbuddy.domain.accounts import Accounts
from budgetbuddy.domain.analytics import Analytics
from budgetbuddy.domain.audit_trail import AuditTrail
from budgetbuddy.domain.bank_links import BankLinks
from budgetbuddy.domain.bank_webhooks import BankWebhooks
from budgetbuddy.domain.book_exports import BookExports
from budgetbuddy.domain.budget_alerts import BudgetAlerts
from budgetbuddy.domain.budget_reports import BudgetReports
from budgetbuddy.domain.budgets import Budgets
from budgetbuddy.domain.bulk import Bulk
from budgetbuddy.domain.cash_flow import CashFlow
from budgetbuddy.domain.categories import Categories
from budgetbuddy.domain.category_merges import CategoryMerges
from budgetbuddy.domain.compliance import Compliance
from budgetbuddy.domain.credentials import Credentials
from budgetbuddy.domain.deliveries import DeliveryRows
from budgetbuddy.domain.email_change import EmailAddresses
from budgetbuddy.domain.enrolment import SecondFactors
from budgetbuddy.domain.erasure import Erasures
from budgetbuddy.domain.evidence import Operations
from budgetbuddy.domain.exports import PersonalData
from budgetbuddy.domain.goals import Goals
from budgetbuddy.domain.identity_ports import (
    Users,
)
from budgetbuddy.domain.import_jobs import ImportJobs
from budgetbuddy.domain.imports import Imports
from budgetbuddy.domain.jobs import Jobs
from budgetbuddy.domain.messages import Handlers, Queue
from budgetbuddy.domain.months import Months
from budgetbuddy.domain.notices import Notices
from budgetbuddy.domain.officers import Officers
from budgetbuddy.domain.payments import Payments
from budgetbuddy.domain.pinning import Flags, PinningMode
from budgetbuddy.domain.ports import Clock, Cursors, Health, Idempotency
from budgetbuddy.domain.recurring import RecurringItems
from budgetbuddy.domain.recurring_calendar import RecurringCalendar
from budgetbuddy.domain.registration import Registrations
from budgetbuddy.domain.roles import Roles
from budgetbuddy.domain.rules import RuleRuns, Rules
from budgetbuddy.domain.sessions import Sessions
from budgetbuddy.domain.sign_in import SignIn
from budgetbuddy.domain.sync import SyncFeed
from budgetbuddy.domain.transaction_queries import (
    Transactions,
)
from budgetbuddy.domain.transfers import Transfers
from budgetbuddy.domain.verification import ChainVerification
from budgetbuddy.domain.webhooks import Targets, Webhooks


@dataclass(frozen=True, kw_only=True)
class Services:
    """One field a port; shared by the threads of a process."""

    clock: Clock
    authenticator: Authenticator
    limits: Limits
    denials: Denials
    cursors: Cursors
    idempotency: Idempotency
    health: Health
    users: Users
    roles: Roles
    registrations: Registrations
    sign_in: SignIn
    second_factors: SecondFactors
    credentials: Credentials
    email_addresses: EmailAddresses
    access_tokens: AccessTokens
    sessions: Sessions
    accounts: Accounts
    audit_trail: AuditTrail
    erasures: Erasures
    personal_data: PersonalData
    book_exports: BookExports
    sync_feed: SyncFeed
    bank_links: BankLinks
    bank_webhooks: BankWebhooks
    transactions: Transactions
    bulk: Bulk
    account_removal: AccountRemoval
    reconciliations: Reconciliations
    transfers: Transfers
    categories: Categories
    category_merges: CategoryMerges
    imports: Imports
    import_jobs: ImportJobs
    jobs: Jobs
    months: Months
    analytics: Analytics
    cash_flow: CashFlow
    budgets: Budgets
    budget_reports: BudgetReports
    budget_alerts: BudgetAlerts
    goals: Goals
    rules: Rules
    rule_runs: RuleRuns
    recurring: RecurringItems
    recurring_calendar: RecurringCalendar
    webhooks: Webhooks
    webhook_targets: Targets
    deliveries: DeliveryRows
    notices: Notices
    officers: Officers
    compliance: Compliance
    verification: ChainVerification
    operations: Operations
    queue: Queue
    payments: Payments
    flags: Flags
    pinning: Callable[[], PinningMode]
    handlers: Handlers  # what the worker does with what lies in the queue
