"""What a link's bank has to tell: all pages since the last time, and how the link itself stands."""

from datetime import datetime, timedelta
from typing import Final

from budgetbuddy.domain.banks import (
    BankDataChanging,
    BankItem,
    BankPage,
    BankProvider,
    ItemProblem,
    LinkEnded,
    Standing,
)
from budgetbuddy.problems import UpstreamInvalid

MAX_PAGES: Final = 100  # 50,000 rows
RESTARTS: Final = 3
SOON: Final = timedelta(days=14)  # a provider warns a week ahead


def all_pages(banks: BankProvider, item: BankItem) -> list[BankPage]:
    """Every page since the item's cursor; all over again when the bank changed meanwhile."""
    for _ in range(RESTARTS):
        try:
            return _pages(banks, item)
        except BankDataChanging:
            continue
    return _pages(banks, item)


def _pages(banks: BankProvider, item: BankItem) -> list[BankPage]:
    pages: list[BankPage] = []
    cursor = item.cursor
    while len(pages) < MAX_PAGES:
        page = banks.changes(item.access_token, cursor)
        pages.append(page)
        if not page.has_more:
            return pages
        cursor = page.cursor
    raise UpstreamInvalid("the bank's pages do not end")


def end_link(banks: BankProvider, item: BankItem) -> None:
    """A link that the provider knows no more has ended already."""
    try:
        banks.remove(item.access_token)
    except LinkEnded:
        return


def problem_now(
    banks: BankProvider, item: BankItem, now: datetime, *, warned: bool
) -> ItemProblem | None:
    """What the user has to do, by what the provider says now and not by the order of its events.

    `warned` is whether the event was of a consent that ends soon: not every bank tells until when.
    """
    try:
        told = banks.standing(item.access_token)
    except LinkEnded:
        return ItemProblem.CONSENT_REVOKED
    if told.problem is not None:
        return told.problem
    return ItemProblem.CONSENT_EXPIRING if _ends_soon(told, now, warned=warned) else None


def _ends_soon(told: Standing, now: datetime, *, warned: bool) -> bool:
    if told.consent_until is None:
        return warned
    return told.consent_until - now <= SOON
