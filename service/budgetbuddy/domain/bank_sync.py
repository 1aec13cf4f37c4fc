"""What a bank's pages mean for the ledger: pure rules, applied row by row.

The bank decides amount, date and text of a row; category, notes, tags and marks are the user's and
stay. A row that the user deleted stays deleted. When a bank settles a pending row, the row stays
the same one for the user.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from budgetbuddy.domain.banks import BankAccount, BankPage, BankRow, Delta, Opening, RemovedRow
from budgetbuddy.domain.cards import mask_card_numbers
from budgetbuddy.domain.money import total
from budgetbuddy.domain.transactions import (
    Source,
    Transaction,
    TransactionKind,
    TransactionStatus,
    changed,
)

DESCRIPTION_LENGTH = 500
MERCHANT_LENGTH = 200
RECENT = timedelta(days=30)  # what a bank tells first; older rows come later, if at all
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def fold(
    pages: Sequence[BankPage], currencies: Mapping[str, str], *, first_on: date | None
) -> Delta:
    """All pages as one change. `currencies` is bank account to currency of those that take rows.

    Rows of other accounts, in another currency or without an amount are skipped and counted.
    `first_on` is today when nothing was ever read before: then accounts open with a balance.
    """
    latest: dict[str, BankRow] = {}
    removed: dict[str, RemovedRow] = {}
    skipped = 0
    for page in pages:
        skipped += page.unusable
        for row in page.rows:
            if currencies.get(row.account_id) != row.amount.currency.code or not row.amount.minor:
                skipped += 1
            else:
                latest[row.id] = row
                removed.pop(row.id, None)
        for gone in page.removed:
            latest.pop(gone.id, None)
            if gone.account_id in currencies:
                removed[gone.id] = gone
    settled = {row.replaces for row in latest.values()}
    rows = tuple(row for row in latest.values() if row.id not in settled)
    last = pages[-1]
    is_ready = bool(last.cursor)  # a bank that has told nothing yet gives no cursor
    accounts = last.accounts if is_ready else ()
    return Delta(
        rows=rows,
        removed=tuple(removed.values()),
        openings=tuple(_openings(accounts, rows, currencies, first_on)) if first_on else (),
        cursor=last.cursor,
        skipped=skipped,
    )


def _openings(
    accounts: Sequence[BankAccount],
    rows: Sequence[BankRow],
    currencies: Mapping[str, str],
    today: date,
) -> Iterator[Opening]:
    """The balance before the first posted row of each account that tells its balance."""
    for account in accounts:
        balance = account.balance
        if balance is None or currencies.get(account.id) != balance.currency.code:
            continue
        posted = [row for row in rows if row.account_id == account.id and not row.pending]
        before = balance - total([row.amount for row in posted], balance.currency)
        first = min((row.date for row in posted), default=today - RECENT)
        if before.minor:
            yield Opening(account_id=account.id, amount=before, date=first - timedelta(days=1))


def new_transaction(row: BankRow, *, id_: str, account_id: str, now: str) -> Transaction:
    """A row seen for the first time."""
    return Transaction(
        id=id_,
        account_id=account_id,
        source=Source.PLAID,
        created_at=now,
        updated_at=now,
        **_told(row),
    )


def opening_transaction(opening: Opening, *, id_: str, account_id: str, now: str) -> Transaction:
    """The row that makes the sum of all rows what the bank says."""
    return Transaction(
        id=id_,
        account_id=account_id,
        date=opening.date,
        amount=opening.amount,
        description="Opening balance",
        kind=TransactionKind.OPENING,
        source=Source.PLAID,
        import_id=opening_id(opening.account_id),
        created_at=now,
        updated_at=now,
    )


def opening_id(bank_account_id: str) -> str:
    """The import id of an account's opening row."""
    return f"opening:{bank_account_id}"


def updated(current: Transaction, row: BankRow, now: str) -> Transaction | None:
    """The transaction as the bank tells it now; None when nothing is to be done.

    Splits go when the amount is another: they no longer sum to it.
    """
    told = _told(row)
    if current.deleted_at is not None or all(getattr(current, k) == v for k, v in told.items()):
        return None
    if current.splits and told["amount"] != current.amount:
        told["splits"] = ()
    if current.transfer_id is not None:
        return None  # the user made it a leg of a transfer, and answers for it
    return changed(current, told, now)


def rebased(opening: Transaction, earlier: Sequence[BankRow], now: str) -> Transaction | None:
    """The opening row before rows that the bank told of later; None when there are none."""
    older = [row for row in earlier if not row.pending and row.date <= opening.date]
    if not older or opening.deleted_at is not None:
        return None
    amount = opening.amount - total([row.amount for row in older], opening.amount.currency)
    day = min(row.date for row in older) - timedelta(days=1)
    return replace(opening, amount=amount, date=day, updated_at=now, version=opening.version + 1)


def _told(row: BankRow) -> dict[str, Any]:
    status = TransactionStatus.PENDING if row.pending else TransactionStatus.POSTED
    return {
        "date": row.date,
        "amount": row.amount,
        "description": one_line(row.description, DESCRIPTION_LENGTH) or "Unnamed",
        "merchant": one_line(row.merchant or "", MERCHANT_LENGTH) or None,
        "status": status,
        "import_id": row.id,
    }


def one_line(text: str, longest: int) -> str:
    """A bank's text made harmless: no control characters, no card numbers, cut."""
    return mask_card_numbers(_UNSEEN.sub(" ", text)).strip()[:longest].rstrip()
