"""Every kind of row that is kept about a person: what for, on what ground, how long.

The data map that users read and the archive they take away are both made from this list; a test
compares it with what is stored.
"""

from dataclasses import dataclass
from typing import Final

CONTRACT: Final = "GDPR Art. 6(1)(b), performance of the contract"
SECURITY: Final = "GDPR Art. 6(1)(f), security of the account"
UNTIL_ERASURE: Final = "until the account is erased"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One kind of row. `prefix` is its sort key up to the first `#`, `file` its name in archives.

    `withheld` are attributes and sealed fields that open something, and leave the service never.
    """

    table: str
    prefix: str
    file: str
    fields: tuple[str, ...]
    purpose: str
    basis: str = CONTRACT
    retention: str = UNTIL_ERASURE
    correct_at: str | None = None
    withheld: frozenset[str] = frozenset()
    is_opened: bool = True  # False: what is sealed is a copy or a secret
    is_packed: bool = False  # the sealed part is compressed


def _ledger(prefix: str, file: str, fields: str, purpose: str, **more: object) -> Kept:
    told: dict[str, object] = {"fields": tuple(fields.split(", ")), **more}
    return Kept(table="Ledger", prefix=prefix, file=file, purpose=purpose, **told)  # type: ignore[arg-type]  # checked by the test of the map


def _runtime(prefix: str, file: str, fields: str, purpose: str, **more: object) -> Kept:
    told: dict[str, object] = {"fields": tuple(fields.split(", ")), "basis": SECURITY, **more}
    return Kept(table="Runtime", prefix=prefix, file=file, purpose=purpose, **told)  # type: ignore[arg-type]  # checked by the test of the map


DATA_MAP: Final[tuple[Kept, ...]] = (
    _ledger(
        "PROFILE",
        "profile",
        "e-mail, name, currency, time zone, language, settings",
        "to know whose records these are",
        correct_at="PATCH /api/v1/users/me",
        withheld=frozenset({"pw", "emailHash", "epoch", "subject"}),
    ),
    _ledger("HEAD", "counters", "number of changes", "to keep changes in order"),
    _ledger(
        "MFA",
        "second-factor",
        "when it was switched on",
        "to prove who signs in",
        basis=SECURITY,
        withheld=frozenset({"codes"}),
        is_opened=False,
    ),
    _ledger(
        "A#",
        "accounts",
        "name, institution, last digits, balance, flows by month",
        "to keep the user's books",
        correct_at="PATCH /api/v1/accounts/{accountId}",
    ),
    _ledger(
        "T#",
        "transactions",
        "date, amount, description, merchant, notes, tags, category, splits",
        "to keep the user's books",
        correct_at="PATCH /api/v1/transactions/{transactionId}",
    ),
    _ledger(
        "TR#",
        "transfers",
        "the two transactions of a transfer",
        "to keep the user's books",
        correct_at="PATCH /api/v1/transfers/{transferId}",
    ),
    _ledger("X#", "import-locks", "digest of an imported row", "to book no row twice"),
    _ledger("M#", "months", "sums by month and category", "to answer reports at once"),
    _ledger(
        "C#",
        "categories",
        "name, group, colour",
        "to file transactions",
        correct_at="PATCH /api/v1/categories/{categoryId}",
    ),
    _ledger(
        "R#",
        "rules",
        "name, conditions, actions",
        "to file transactions",
        correct_at="PATCH /api/v1/rules/{ruleId}",
    ),
    _ledger("RULEORDER", "rule-order", "order of the rules", "to file transactions"),
    _ledger(
        "RC#",
        "recurring",
        "name, amount, frequency, evidence",
        "to say what is due",
        correct_at="PATCH /api/v1/recurring/{recurringId}",
    ),
    _ledger(
        "B#",
        "budgets",
        "limits by month",
        "to compare spending with plans",
        correct_at="PUT /api/v1/budgets/{categoryId}",
    ),
    _ledger(
        "BA#",
        "budget-alerts",
        "spent, limit, threshold, when",
        "to warn once",
        retention="two years",
    ),
    _ledger(
        "G#",
        "goals",
        "name, target, saved",
        "to save for something",
        correct_at="PATCH /api/v1/goals/{goalId}",
    ),
    _ledger(
        "GC#",
        "contributions",
        "amount, date, note",
        "to save for something",
        correct_at="DELETE /api/v1/goals/{goalId}/contributions/{contributionId}",
    ),
    _ledger(
        "P#",
        "bank-links",
        "institution, accounts, state",
        "to bring rows in from the bank",
        retention="until the link is ended",
        withheld=frozenset({"token", "cursor"}),
    ),
    _ledger("PI#", "bank-locks", "institution", "to link no bank twice"),
    _ledger(
        "PAT#",
        "access-tokens",
        "name, scopes, expiry",
        "to let the user's scripts in",
        withheld=frozenset({"digest"}),
    ),
    _ledger(
        "ENT",
        "entitlement",
        "plan, paid until, customer number of Stripe",
        "to know what was paid for",
    ),
    _ledger(
        "W#",
        "webhooks",
        "address, events, state",
        "to tell the user's own systems",
        correct_at="PATCH /api/v1/webhooks/{webhookId}",
        withheld=frozenset({"secrets"}),
    ),
    _ledger("OUTBOX", "outbox", "how far changes were told", "to tell each change once"),
    _runtime(
        "KEY",
        "data-key",
        "when it was made",
        "to seal what is personal",
        withheld=frozenset({"key"}),
        retention=UNTIL_ERASURE,
    ),
    _runtime(
        "S#",
        "sessions",
        "device, network, when it was used",
        "to stay signed in",
        retention="30 days after the last use",
        withheld=frozenset({"hash", "prev"}),
    ),
    _runtime(
        "IDEM#",
        "kept-answers",
        "answers to repeated requests",
        "to do nothing twice",
        retention="24 hours",
        is_opened=False,
        withheld=frozenset({"fingerprint", "owner"}),
    ),
    _runtime(
        "TOTP",
        "enrolment",
        "a secret that waits for its code",
        "to prove who signs in",
        retention="ten minutes",
        is_opened=False,
    ),
    _runtime(
        "EC#",
        "address-changes",
        "an e-mail address that waits for its code",
        "to prove whose address it is",
        retention="15 minutes",
        withheld=frozenset({"emailHash", "code", "decoy"}),
    ),
    _runtime(
        "BULK#",
        "bulk-marks",
        "what a repeated bulk change has done already",
        "to do nothing twice",
        retention="24 hours",
    ),
    _runtime("J#", "jobs", "kind, state, result", "to answer later", retention="30 days"),
    _runtime(
        "I#",
        "imports",
        "what became of each line",
        "to account for an import",
        retention="90 days",
        is_packed=True,
    ),
    _runtime(
        "IF#",
        "waiting-imports",
        "rows of a statement that wait to be booked",
        "to book them",
        basis=CONTRACT,
        retention="one day, or until they are booked",
        is_opened=False,
    ),
    _runtime("E#", "exports", "kind, when", "to let data be taken away", retention="seven days"),
    _runtime(
        "WD#",
        "deliveries",
        "event, attempts, answers",
        "to account for webhooks",
        retention="30 days",
    ),
    _runtime("WQ#", "waiting-deliveries", "when", "to try again", retention="30 days"),
    _runtime(
        "AT#",
        "pending-codes",
        "that a code was asked for",
        "to prove who signs in",
        retention="15 minutes",
        withheld=frozenset({"at"}),
    ),
)
AUDIT: Final = Kept(
    table="Audit",
    prefix="",
    file="audit",
    fields=("event", "when", "actor", "object", "address", "browser"),
    purpose="to prove what happened",
    basis=SECURITY,
    retention="seven years under a pseudonym; unreadable once the account is erased",
)
BY_PREFIX: Final = {(kept.table, kept.prefix): kept for kept in DATA_MAP}


def kept_as(table: str, sort_key: str) -> Kept | None:
    """What a row below the user is; `None` for a kind that is not in the map."""
    head, mark, _ = sort_key.partition("#")
    return BY_PREFIX.get((table, head + mark))
