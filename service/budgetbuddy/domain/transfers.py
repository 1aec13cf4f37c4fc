"""Transfers: money that changes its place, not its owner. Two transactions that live as one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from budgetbuddy.domain.accounts import Account, WrongCurrency
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionKind,
)
from budgetbuddy.problems import Unprocessable


class SameAccount(Unprocessable):
    """Money that stays where it is needs no transfer."""

    code = "same_account"
    title = "Both ends of the transfer are the same account"


class ToAmountRequired(Unprocessable):
    """Between two currencies the service does not know the rate; within one there is none."""

    code = "to_amount_required"
    title = "toAmount is needed exactly when the currencies differ"


@dataclass(frozen=True, kw_only=True)
class TransferTerms:
    """What a transfer moves; both amounts are positive."""

    from_account_id: str
    to_account_id: str
    amount: Money
    to_amount: Money | None = None
    date: date
    description: str


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """`outgoing` and `incoming` are the legs as they are stored."""

    id: str
    outgoing: Transaction
    incoming: Transaction
    version: int = 1

    @property
    def terms(self) -> TransferTerms:
        """What the legs say together."""
        arrived = self.incoming.amount
        left = -self.outgoing.amount
        return TransferTerms(
            from_account_id=self.outgoing.account_id,
            to_account_id=self.incoming.account_id,
            amount=left,
            to_amount=arrived if arrived.currency != left.currency else None,
            date=self.outgoing.date,
            description=self.outgoing.description,
        )


class Transfers(Protocol):
    """The transfers of users. Methods raise `NotFound` for an id the user does not have."""

    def get(self, user: UserRef, transfer_id: str) -> Transfer:
        """One."""

    def add(self, context: Context, terms: TransferTerms) -> Transfer:
        """Book both legs. Raises `AccountClosed`, `SameAccount`, `ToAmountRequired`."""

    def change(
        self, context: Context, transfer_id: str, version: int, fields: Mapping[str, Any]
    ) -> Transfer:
        """Replace terms; both legs follow. Raises as `add`, and `VersionConflict`."""

    def remove(self, context: Context, transfer_id: str, version: int) -> None:
        """Take both legs out of the accounts. Raises `VersionConflict`."""

    def remove_leg(self, context: Context, transaction_id: str, version: int) -> None:
        """The same, named by one leg and the version of it. Raises `VersionConflict`."""


def require_sound_terms(terms: TransferTerms, source: Account, target: Account) -> None:
    """Raises `SameAccount`, `WrongCurrency`, `ToAmountRequired`."""
    if source.id == target.id:
        raise SameAccount
    if terms.amount.currency != source.currency:
        raise WrongCurrency
    if (terms.to_amount is not None) != (source.currency != target.currency):
        raise ToAmountRequired
    if terms.to_amount is not None and terms.to_amount.currency != target.currency:
        raise WrongCurrency


def with_terms(transfer: Transfer, terms: TransferTerms, now: str) -> Transfer:
    """The transfer with these terms, both legs and itself one version further."""

    def leg(old: Transaction, account_id: str, amount: Money) -> Transaction:
        return replace(
            old,
            account_id=account_id,
            amount=amount,
            date=terms.date,
            description=terms.description,
            updated_at=now,
            version=old.version + 1,
        )

    return replace(
        transfer,
        outgoing=leg(transfer.outgoing, terms.from_account_id, -terms.amount),
        incoming=leg(transfer.incoming, terms.to_account_id, terms.to_amount or terms.amount),
        version=transfer.version + 1,
    )


def new_transfer(
    terms: TransferTerms, *, transfer_id: str, leg_ids: tuple[str, str], now: str
) -> Transfer:
    """A transfer of these terms."""

    def leg(leg_id: str, account_id: str, amount: Money) -> Transaction:
        return Transaction(
            id=leg_id,
            account_id=account_id,
            date=terms.date,
            amount=amount,
            description=terms.description,
            kind=TransactionKind.TRANSFER,
            transfer_id=transfer_id,
            created_at=now,
            updated_at=now,
        )

    return Transfer(
        id=transfer_id,
        outgoing=leg(leg_ids[0], terms.from_account_id, -terms.amount),
        incoming=leg(leg_ids[1], terms.to_account_id, terms.to_amount or terms.amount),
    )
