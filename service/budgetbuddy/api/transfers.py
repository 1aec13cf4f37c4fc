"""`/transfers`: money from one account to another, both sides at once."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Response
from pydantic import ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import (
    CalendarDate,
    Description,
    MoneyInput,
    MoneyView,
    unset,
)
from budgetbuddy.api._http import (
    answer,
    empty,
    expected_version,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import AccountClosed, WrongCurrency
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.domain.transfers import SameAccount, ToAmountRequired, Transfer, TransferTerms
from budgetbuddy.problems import NotFound

routes = Routes("transfers", "/api/v1/transfers", area="transactions")
READ, WRITE = scope("transactions:read"), scope("transactions:write")
REFUSALS = (
    NotFound,
    AccountClosed,
    SameAccount,
    ToAmountRequired,
    WrongCurrency,
    CardNumberDetected,
)


class TransferPath(Query):
    """Path of one transfer."""

    transfer_id: str


class PositiveMoney(MoneyInput):
    """An amount that leaves one account and reaches the other."""

    @model_validator(mode="after")
    def _is_positive(self) -> "PositiveMoney":
        if self.money().minor <= 0:
            raise PydanticCustomError("not_positive", "The amount must be above zero")
        return self


class NewTransfer(Input):
    """A transfer; `toAmount` is what arrives, needed exactly when the currencies differ."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "fromAccountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t1x",
                "toAccountId": "acc_01jdk2p6m4ze5v9q0w3n8r7t2y",
                "amount": {"amount": "200.00", "currency": "EUR"},
                "date": "2026-01-31",
                "description": "Savings of January",
            }
        }
    )

    from_account_id: str
    to_account_id: str
    amount: PositiveMoney
    to_amount: PositiveMoney | None = None
    date: CalendarDate
    description: Description = "Transfer"


class TransferChange(Input):
    """Terms to replace; absent ones stay."""

    model_config = ConfigDict(json_schema_extra={"example": {"date": "2026-02-01"}})

    from_account_id: str = unset()
    to_account_id: str = unset()
    amount: PositiveMoney = unset()
    to_amount: PositiveMoney | None = unset()
    date: CalendarDate = unset()
    description: Description = unset()


class TransferView(View):
    """A transfer; `legs` are its transactions, the outgoing one first."""

    id: str
    from_account_id: str
    to_account_id: str
    amount: MoneyView
    to_amount: MoneyView | None
    date: date
    description: str
    legs: list[str]
    version: int

    @classmethod
    def of(cls, transfer: Transfer) -> "TransferView":
        """The view of a transfer."""
        terms = transfer.terms
        return cls(
            id=transfer.id,
            from_account_id=terms.from_account_id,
            to_account_id=terms.to_account_id,
            amount=MoneyView.of(terms.amount),
            to_amount=MoneyView.of(terms.to_amount) if terms.to_amount else None,
            date=terms.date,
            description=terms.description,
            legs=[transfer.outgoing.id, transfer.incoming.id],
            version=transfer.version,
        )


@routes.post("", access=WRITE, returns={201: TransferView}, problems=REFUSALS, idempotency="I!")
def create_transfer(body: NewTransfer) -> Response:
    """Move money between two accounts; neither income nor spending of any month."""
    fields = {name: getattr(body, name) for name in NewTransfer.model_fields}
    render = rendered(TransferView.of, status=201, location="/api/v1/transfers/{id}")
    return answer(render, services().transfers.add, TransferTerms(**_sound(fields)))


@routes.get("/<transferId>", access=READ, returns={200: TransferView}, problems=(NotFound,))
def show_transfer(path: TransferPath) -> Response:
    """Show one transfer."""
    transfer = services().transfers.get(principal().user, path.transfer_id)
    return shown(TransferView.of(transfer), version=transfer.version)


@routes.patch(
    "/<transferId>",
    access=WRITE,
    returns={200: TransferView},
    problems=REFUSALS,
    if_match=True,
    idempotency="I",
)
def change_transfer(path: TransferPath, body: TransferChange) -> Response:
    """Change terms; both legs follow."""
    fields = _sound({name: getattr(body, name) for name in body.model_fields_set})
    return answer(
        rendered(TransferView.of),
        services().transfers.change,
        path.transfer_id,
        expected_version(),
        fields,
    )


@routes.delete(
    "/<transferId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound, AccountClosed),
    if_match=True,
    idempotency="I",
)
def delete_transfer(path: TransferPath) -> Response:
    """Delete a transfer with both legs."""
    return answer(empty, services().transfers.remove, path.transfer_id, expected_version())


def _sound(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields as the domain takes them; raises for card numbers and dates out of range."""
    require_no_card_number({"/description": fields.get("description")})
    if "date" in fields:
        require_plausible_date(fields["date"], services().clock().date())
    return {
        name: value.money() if isinstance(value, MoneyInput) else value
        for name, value in fields.items()
    }
