"""`/analytics`: what months came to."""

from flask import Response

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._fields import CurrencyCode, MoneyView, Month
from budgetbuddy.api._http import principal, services, shown
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.categories import NO_CATEGORY_SLOT
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money

routes = Routes("analytics", "/api/v1/analytics")


class MonthPath(Query):
    """Path of one month."""

    month: Month


class MonthQuery(Query):
    """Which currency: sums never mix them."""

    currency: CurrencyCode


class CategorySum(View):
    """Net amount and number of rows of one category; `categoryId` null is what has none."""

    category_id: str | None
    amount: MoneyView
    count: int


class MonthView(View):
    """Income and spending of one currency in one month; spending is negative, refunds lower it."""

    month: str
    currency: str
    income: MoneyView
    spending: MoneyView
    net: MoneyView
    by_category: list[CategorySum]
    count: int


@routes.get("/months/<month>", access=scope("analytics:read"), returns={200: MonthView})
def show_month(path: MonthPath, query: MonthQuery) -> Response:
    """Report one month from its record: the price is the same whatever the history."""
    user = principal().user
    record = services().months.get(user, query.currency, path.month)
    ids = {c.slot: c.id for c in services().categories.list(user)} if record.slots else {}
    currency = currency_of(query.currency)

    def money(minor: int) -> MoneyView:
        return MoneyView.of(Money(minor, currency))

    view = MonthView(
        month=record.month,
        currency=record.currency,
        income=money(record.income_minor),
        spending=money(record.spending_minor),
        net=money(record.income_minor + record.spending_minor),
        by_category=[
            CategorySum(
                category_id=None if slot == NO_CATEGORY_SLOT else ids[slot],
                amount=money(sums.net_minor),
                count=sums.count,
            )
            for slot, sums in sorted(record.slots.items(), key=lambda item: item[1].net_minor)
        ],
        count=record.count,
    )
    return shown(view, version=record.version)
