"""Plaid's accounts and rows as ours: exact amounts, our sign, our kinds."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from budgetbuddy.domain.accounts import AccountKind
from budgetbuddy.domain.banks import BankAccount, BankPage, BankRow, RemovedRow
from budgetbuddy.domain.currency import UnknownCurrency, currency_of
from budgetbuddy.domain.money import InvalidAmount, Money

_KINDS: Final[Mapping[str, AccountKind]] = {
    "credit": AccountKind.CREDIT,
    "loan": AccountKind.LOAN,
    "investment": AccountKind.INVESTMENT,
    "brokerage": AccountKind.INVESTMENT,
}
_DEBTS: Final = frozenset({AccountKind.CREDIT, AccountKind.LOAN})
_MASK = re.compile("[0-9]{2,4}")


def read_account(told: Any) -> BankAccount:
    """An account of `/accounts/get` or of a sync page."""
    kind = _kind(str(told.type.value), str(told.subtype.value) if told.subtype else "")
    code = told.balances.iso_currency_code
    balance = exact(told.balances.current, code)
    mask = told.mask or ""
    return BankAccount(
        id=told.account_id,
        name=told.name,
        mask=mask if _MASK.fullmatch(mask) else None,
        kind=kind,
        currency=code if _is_known(code) else None,
        balance=-balance if balance is not None and kind in _DEBTS else balance,
    )


def read_page(told: Any) -> BankPage:
    """A page of `/transactions/sync`: new and modified rows are one, the ledger knows which."""
    rows = [read_row(row) for row in (*told.added, *told.modified)]
    return BankPage(
        rows=tuple(row for row in rows if row is not None),
        removed=tuple(
            RemovedRow(id=row.transaction_id, account_id=row.account_id) for row in told.removed
        ),
        accounts=tuple(read_account(account) for account in told.accounts),
        cursor=told.next_cursor,
        has_more=told.has_more,
        unusable=sum(row is None for row in rows),
    )


def read_row(told: Any) -> BankRow | None:
    """None when its amount is not exact in a currency we know."""
    amount = exact(told.amount, told.get("iso_currency_code"))
    if amount is None:
        return None
    return BankRow(
        id=told.transaction_id,
        account_id=told.account_id,
        date=told.date,
        amount=-amount,
        description=told.get("name") or told.get("original_description") or "",
        merchant=told.get("merchant_name"),
        pending=told.pending,
        replaces=told.get("pending_transaction_id"),
    )


def exact(number: float | None, code: str | None) -> Money | None:
    """A JSON number as money; None where it has more decimals than the currency, or no meaning."""
    if number is None or code is None or not _is_known(code):
        return None
    currency = currency_of(code)
    scaled = Decimal(str(number)).scaleb(currency.exponent)
    if not scaled.is_finite() or scaled != scaled.to_integral_value():
        return None
    try:
        return Money(int(scaled), currency)
    except InvalidAmount:
        return None


def _is_known(code: str | None) -> bool:
    try:
        return code is not None and currency_of(code) is not None
    except UnknownCurrency:
        return False


def _kind(type_: str, subtype: str) -> AccountKind:
    if type_ == "depository":
        return AccountKind.SAVINGS if subtype in _SAVINGS else AccountKind.CHECKING
    return _KINDS.get(type_, AccountKind.OTHER)


_SAVINGS: Final = frozenset({"savings", "cd", "money market", "hsa", "gic"})
