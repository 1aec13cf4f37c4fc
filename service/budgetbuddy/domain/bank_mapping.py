"""Which account of the user takes the rows of which account of a bank."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from budgetbuddy.domain.accounts import Account, AccountClosed, AccountStatus, WrongCurrency
from budgetbuddy.domain.banks import AccountNotOffered, BankAccount, LinkedAccount
from budgetbuddy.problems import FieldError, NotFound


def remapped(
    linked: Sequence[LinkedAccount],
    wanted: Mapping[str, str | None],
    offered: Sequence[BankAccount],
    mine: Mapping[str, Account],
) -> tuple[LinkedAccount, ...]:
    """The accounts of a link after a change; those that `wanted` does not name stay.

    `wanted` is bank account to account of the user's, None where its rows are left out. Rows that
    came before stay where they are, and where the bank corrects them they are changed there.
    Raises `AccountNotOffered`, `NotFound`, `AccountClosed`, `WrongCurrency`.
    """
    found = {each.provider_id: each for each in linked}
    told = {each.id: each for each in offered}
    for number, (name, account_id) in enumerate(wanted.items()):
        pointer = f"/accounts/{number}"
        if name not in told:
            raise AccountNotOffered(errors=[_error(pointer, AccountNotOffered)])
        if account_id is not None:
            _require_fit(told[name], mine.get(account_id), pointer)
        old = found.get(name) or LinkedAccount(provider_id=name, account_id=None)
        found[name] = _moved(old, account_id)
    return tuple(found.values())


def _require_fit(told: BankAccount, account: Account | None, pointer: str) -> None:
    if account is None:
        raise NotFound
    if account.status is not AccountStatus.OPEN:
        raise AccountClosed
    if account.currency.code != told.currency:
        raise WrongCurrency(errors=[_error(pointer, WrongCurrency)])


def _moved(old: LinkedAccount, account_id: str | None) -> LinkedAccount:
    """To another account; the ones before are remembered."""
    before = (old.account_id, *old.former) if old.account_id else old.former
    former = tuple(dict.fromkeys(each for each in before if each != account_id))
    return replace(old, account_id=account_id, former=former)


def _error(pointer: str, problem: type[AccountNotOffered] | type[WrongCurrency]) -> FieldError:
    return FieldError(pointer=pointer, code=problem.code, detail=problem.title)
