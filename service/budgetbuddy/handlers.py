"""What the worker does with each kind of message.

A new kind: a member of `MessageKind`, a function here, its line in `build_handlers`. A test sees
that every kind has one.
"""

from budgetbuddy.contract import Metric
from budgetbuddy.domain.bank_webhooks import BankEvent, BankWebhooks
from budgetbuddy.domain.billing import BillingEvent
from budgetbuddy.domain.erasure import Erasures
from budgetbuddy.domain.import_jobs import ImportJobs
from budgetbuddy.domain.messages import Handlers, Message, MessageKind
from budgetbuddy.domain.notices import Notices
from budgetbuddy.domain.payments import Payments
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.verification import ChainVerification
from budgetbuddy.problems import Problem
from budgetbuddy.telemetry import count, note


def build_handlers(  # noqa: PLR0913 - one a kind of work
    *,
    bank_webhooks: BankWebhooks,
    payments: Payments,
    erasures: Erasures,
    notices: Notices,
    verification: ChainVerification,
    import_jobs: ImportJobs,
) -> Handlers:
    """One for each kind."""

    def bank_event(message: Message) -> None:
        try:
            bank_webhooks.handle(BankEvent(**message.data), message.request_id)
        except Problem:
            count(Metric.BANK_SYNC_FAILED)
            raise

    def bank_sync(message: Message) -> None:
        _bring_in(bank_webhooks, message)

    def erasure(message: Message) -> None:
        erasures.resume(message.data["digest"])

    def billing_event(message: Message) -> None:
        payments.handle(BillingEvent(**message.data), message.request_id)

    def outbox(message: Message) -> None:
        notices.publish(message.data["user"])

    def delivery(message: Message) -> None:
        told = message.data
        fault = notices.attempt(told["user"], told["webhook"], told["delivery"])
        note(dependency="webhook", **({"errorClass": fault} if fault else {}))

    def audit_verification(message: Message) -> None:
        told = message.data
        officer = UserRef(id=told["user"], subject=told["subject"])
        count(Metric.AUDIT_CHAIN_BROKEN, verification.step(officer, told["job"], told["part"]))

    def statement_import(message: Message) -> None:
        told = message.data
        user = UserRef(id=told["user"], subject=told["subject"])
        import_jobs.work(
            user, job_id=told["job"], import_id=told["import"], account_id=told["account"]
        )

    return {
        MessageKind.BANK_EVENT: bank_event,
        MessageKind.BANK_SYNC: bank_sync,
        MessageKind.BILLING_EVENT: billing_event,
        MessageKind.ERASURE: erasure,
        MessageKind.IMPORT: statement_import,
        MessageKind.AUDIT_VERIFICATION: audit_verification,
        MessageKind.OUTBOX: outbox,
        MessageKind.DELIVERY: delivery,
    }


def _bring_in(bank_webhooks: BankWebhooks, message: Message) -> None:
    """What fails is counted, whether it comes again or is kept in a job."""
    told = message.data
    try:
        why = bank_webhooks.syncs.bring_in(told["provider"], message.request_id, told.get("job"))
    except Problem:
        count(Metric.BANK_SYNC_FAILED)
        raise
    if why is not None:
        count(Metric.BANK_SYNC_FAILED)
        note(errorClass=type(why).__name__)
