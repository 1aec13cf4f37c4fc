"""Counters on account rows and month records, moved by what transactions do to them."""

from collections.abc import Mapping

from budgetbuddy.domain.accounts import AccountClosed, AccountStatus, WrongCurrency
from budgetbuddy.domain.effects import Effects
from budgetbuddy.problems import NotFound, Problem
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Equals, Exists
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, check, update

ACCOUNT_PREFIX = "A#"


def account_key(user_id: str, account_id: str) -> Key:
    """Where an account lives."""
    return Key(pk=f"U#{user_id}", sk=f"{ACCOUNT_PREFIX}{account_id}")


def month_key(user_id: str, currency: str, month: str) -> Key:
    """Where the record of a month (`YYYY-MM`) lives."""
    return Key(pk=f"U#{user_id}", sk=f"M#{currency}#{month}")


def balance_writes(
    store: Store, user_id: str, effects: Effects, currencies: Mapping[str, str]
) -> list[Write]:
    """One write an account in `currencies` (id to the code its rows have), one a month.

    Each account must exist, be open and have that currency, even when its counters stay.
    """
    writes = []
    for account_id, currency in currencies.items():
        key = account_key(user_id, account_id)
        when = (Exists("pk"), Equals("status", AccountStatus.OPEN), Equals("cur", currency))
        counters = effects.accounts.get(account_id)
        if counters:
            writes.append(
                update(
                    store.ledger.name, key, add=dict(counters), when=when, refuse=account_refused
                )
            )
        else:
            writes.append(check(store.ledger.name, key, when=when, refuse=account_refused))
    return [*writes, *month_writes(store, user_id, effects)]


def month_writes(store: Store, user_id: str, effects: Effects) -> list[Write]:
    """One write a month whose counters move."""
    return [
        update(
            store.ledger.name,
            month_key(user_id, currency, month),
            set_={"v": 1},
            add={**counters, "version": 1},
        )
        for (currency, month), counters in effects.months.items()
    ]


def account_refused(stored: Item | None) -> Problem:
    """Why an account took no money."""
    if stored is None:
        return NotFound()
    if stored["status"] != AccountStatus.OPEN:
        return AccountClosed()
    return WrongCurrency()
