"""The audit trail: its vocabulary, and the hash chain that makes a changed row visible."""

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

RETENTION_SECONDS = 2_555 * 86_400  # seven years
GENESIS = "0" * 64  # `prev` of the first row of a chain


class Event(StrEnum):
    """Everything that leaves an audit row."""

    REGISTERED = "auth.registered"
    LOGIN = "auth.login"
    LOGIN_FAILED = "auth.login_failed"
    LOCKED = "auth.locked"
    LOGOUT = "auth.logout"
    SESSION_REVOKED = "auth.session_revoked"
    REFRESH_REUSED = "auth.refresh_reused"
    PASSWORD_REHASHED = "auth.password_rehashed"  # noqa: S105 - an event
    MFA_FAILED = "auth.mfa_failed"
    MFA_ENROLLED = "auth.mfa_enrolled"
    MFA_DISABLED = "auth.mfa_disabled"
    BACKUP_CODES_RENEWED = "auth.backup_codes_renewed"
    BACKUP_CODE_USED = "auth.backup_code_used"
    REAUTHENTICATED = "auth.reauthenticated"
    PASSWORD_CHANGED = "auth.password_changed"  # noqa: S105 - an event
    PASSWORD_RESET_REQUESTED = "auth.password_reset_requested"  # noqa: S105 - an event
    PASSWORD_RESET = "auth.password_reset"  # noqa: S105 - an event
    DENIED = "auth.denied"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an event
    USER_UPDATED = "user.updated"
    EMAIL_CHANGE_REQUESTED = "user.email_change_requested"
    EMAIL_CHANGED = "user.email_changed"
    ROLE_GRANTED = "user.role_granted"
    ROLE_REVOKED = "user.role_revoked"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_UPDATED = "account.updated"
    ACCOUNT_CLOSED = "account.closed"
    ACCOUNT_REOPENED = "account.reopened"
    ACCOUNT_DELETED = "account.deleted"
    ACCOUNT_RECONCILED = "account.reconciled"
    TRANSACTION_CREATED = "transaction.created"
    TRANSACTION_UPDATED = "transaction.updated"
    TRANSACTION_DELETED = "transaction.deleted"
    TRANSACTION_RESTORED = "transaction.restored"
    TRANSACTION_BULK = "transaction.bulk"
    TRANSFER_CREATED = "transfer.created"
    TRANSFER_UPDATED = "transfer.updated"
    TRANSFER_DELETED = "transfer.deleted"
    CATEGORY_CREATED = "category.created"
    CATEGORY_UPDATED = "category.updated"
    CATEGORY_ARCHIVED = "category.archived"
    CATEGORY_MERGED = "category.merged"
    RECURRING_CONFIRMED = "recurring.confirmed"
    RECURRING_UPDATED = "recurring.updated"
    RECURRING_DELETED = "recurring.deleted"
    GOAL_CREATED = "goal.created"
    GOAL_UPDATED = "goal.updated"
    GOAL_DELETED = "goal.deleted"
    GOAL_RESTORED = "goal.restored"
    GOAL_CONTRIBUTED = "goal.contributed"
    GOAL_CONTRIBUTION_REMOVED = "goal.contribution_removed"
    GOAL_COMPLETED = "goal.completed"
    GOAL_REOPENED = "goal.reopened"
    RULE_CREATED = "rule.created"
    RULE_UPDATED = "rule.updated"
    RULE_DELETED = "rule.deleted"
    RULE_REORDERED = "rule.reordered"
    RULE_APPLIED = "rule.applied"
    BUDGET_SET = "budget.set"
    BUDGET_DELETED = "budget.deleted"
    BUDGET_ALERTED = "budget.alerted"
    BUDGET_ALERT_ACKNOWLEDGED = "budget.alert_acknowledged"
    IMPORT_STARTED = "import.started"
    IMPORT_FINISHED = "import.finished"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_VERIFIED = "audit.verified"
    COMPLIANCE_REPORTED = "compliance.reported"
    OPS_VIEWED = "ops.viewed"
    EXPORT_REQUESTED = "export.requested"
    EXPORT_DELETED = "export.deleted"
    EXPORT_DOWNLOADED = "export.downloaded"
    PRIVACY_EXPORTED = "privacy.exported"
    ERASURE_REQUESTED = "privacy.erasure_requested"
    ERASED = "privacy.erased"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_UPDATED = "webhook.updated"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_ROTATED = "webhook.rotated"
    WEBHOOK_TESTED = "webhook.tested"
    WEBHOOK_REPLAYED = "webhook.replayed"
    FLAG_SET = "flag.set"
    BANK_LINKED = "bank.linked"
    BANK_UPDATED = "bank.updated"
    BANK_SYNCED = "bank.synced"
    BANK_UNLINKED = "bank.unlinked"
    BANK_ATTENTION = "bank.attention"
    BILLING_CHECKOUT = "billing.checkout"
    BILLING_PORTAL = "billing.portal"
    BILLING_CHANGED = "billing.changed"


class Outcome(StrEnum):
    """How it ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One link of a user's chain. `at` is RFC 3339; `sealed` holds the rest.

    `object` is the kind of what it is about; its id, address, agent and details are sealed.
    """

    subject: str
    seq: int
    at: str
    event: str
    actor: str
    object: str
    outcome: str
    sealed: bytes
    prev: str

    def hash(self) -> str:
        """SHA-256 over the canonical JSON of the row and its predecessor's hash."""
        members = [
            self.subject,
            self.seq,
            self.at,
            self.event,
            self.actor,
            self.object,
            self.outcome,
            hashlib.sha256(self.sealed).hexdigest(),
            self.prev,
        ]
        canonical = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
