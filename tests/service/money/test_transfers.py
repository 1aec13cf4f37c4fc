"""A transfer changes where money is, and nothing else."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.accounts import AccountClosed, WrongCurrency
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.transactions import (
    TransferLeg,
)
from budgetbuddy.domain.transfers import (
    SameAccount,
    ToAmountRequired,
    TransferTerms,
    new_transfer,
    with_terms,
)
from budgetbuddy.problems import NotFound, VersionConflict

from .conftest import EUR, Ledger

USD = currency_of("USD")
DAY = date(2026, 6, 1)


def terms(source: str, target: str, minor: int = 5_000, **more: object) -> TransferTerms:
    base = TransferTerms(
        from_account_id=source,
        to_account_id=target,
        amount=Money(minor, EUR),
        date=DAY,
        description="Savings",
    )
    return replace(base, **more)  # type: ignore[arg-type] # the tests name real fields


@given(st.integers(1, 10**15), st.integers(1, 10**15))
def test_legs_of_one_currency_sum_to_zero_before_and_after_a_change(
    first: int, second: int
) -> None:
    transfer = new_transfer(
        terms("a", "b", first), transfer_id="t", leg_ids=("o", "i"), now="2026-06-01T00:00:00.000Z"
    )
    changed = with_terms(transfer, terms("b", "c", second), "2026-06-02T00:00:00.000Z")

    for version in (transfer, changed):
        moved = effects(added=(version.outgoing, version.incoming))
        assert sum(counters["bal"] for counters in moved.accounts.values()) == 0
        assert moved.months == {}
    assert changed.terms == terms("b", "c", second)


def test_both_accounts_move_together_and_months_do_not(ledger: Ledger) -> None:
    context = ledger.new_user()
    giro, savings = ledger.new_account(context, opening="100.00"), ledger.new_account(context)

    def balances() -> list[str]:
        return [str(ledger.accounts.get(context.user, a.id).balance) for a in (giro, savings)]

    transfer = ledger.transfers.add(context, terms(giro.id, savings.id))
    assert balances() == ["50.00", "50.00"]
    assert ledger.transfers.get(context.user, transfer.id) == transfer
    changed = ledger.transfers.change(context, transfer.id, 1, {"amount": Money(7_000, EUR)})
    assert balances() == ["30.00", "70.00"]
    with pytest.raises(VersionConflict):
        ledger.transfers.change(context, transfer.id, 1, {"amount": Money(1, EUR)})
    with pytest.raises(TransferLeg):
        ledger.transactions.change(context, changed.outgoing.id, 2, {"amount": Money(-1, EUR)})
    ledger.transactions.change(context, changed.outgoing.id, 2, {"notes": "mine"})
    ledger.transfers.remove(context, transfer.id, 2)
    assert balances() == ["100.00", "0.00"]
    with pytest.raises(NotFound):
        ledger.transfers.get(context.user, transfer.id)
    with pytest.raises(TransferLeg):
        ledger.transactions.restore(context, changed.incoming.id)
    assert ledger.rows(context, "M#") == []
    for account in (giro, savings):
        assert ledger.accounts.reconcile(context.user, account.id).difference.minor == 0


def test_between_currencies_both_amounts_are_said(ledger: Ledger) -> None:
    context = ledger.new_user()
    euros = ledger.new_account(context)
    dollars = ledger.new_account(context, currency=USD)

    with pytest.raises(ToAmountRequired):
        ledger.transfers.add(context, terms(euros.id, dollars.id))
    with pytest.raises(WrongCurrency):
        ledger.transfers.add(context, terms(euros.id, dollars.id, to_amount=Money(1, EUR)))
    transfer = ledger.transfers.add(
        context, terms(euros.id, dollars.id, to_amount=Money(5_400, USD))
    )

    assert str(ledger.accounts.get(context.user, dollars.id).balance) == "54.00"
    assert ledger.transfers.get(context.user, transfer.id).terms.to_amount == Money(5_400, USD)


def test_a_transfer_needs_two_open_accounts_of_the_user(ledger: Ledger) -> None:
    context, other = ledger.new_user(), ledger.new_user()
    giro, closed = ledger.new_account(context), ledger.new_account(context)
    foreign = ledger.new_account(other)
    ledger.accounts.close(context, closed.id, 1)

    for target, problem in (
        (giro.id, SameAccount),
        (closed.id, AccountClosed),
        (foreign.id, NotFound),
        (make_id(Kind.ACCOUNT), NotFound),
        ("acc_malformed", NotFound),
    ):
        with pytest.raises(problem):
            ledger.transfers.add(context, terms(giro.id, target))
    assert ledger.rows(context, "T#") == []
