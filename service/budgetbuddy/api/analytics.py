"""`/analytics`: what months came to, alone and together; sums never mix currencies."""

from flask import Response

from budgetbuddy.api._analytics_models import (
    CategorySharesList,
    CategorySharesView,
    MonthsQuery,
    NetWorthList,
    NetWorthView,
    Span,
    SpanSummaryList,
    SpanSummaryView,
    TrendList,
    TrendQuery,
    TrendView,
)
from budgetbuddy.api._body import Query, View
from budgetbuddy.api._cash_flow_models import CashFlowQuery, ForecastList, ForecastView
from budgetbuddy.api._fields import CurrencyCode, MoneyView, Month
from budgetbuddy.api._http import listed, local_today, principal, services, shown
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.categories import NO_CATEGORY_SLOT, category_id
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.transactions import RangeTooWide
from budgetbuddy.problems import NotFound

routes = Routes("analytics", "/api/v1/analytics")
READ, LIMITS = scope("analytics:read"), ("analytics",)


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


@routes.get("/months/<month>", access=READ, returns={200: MonthView}, limits=LIMITS)
def show_month(path: MonthPath, query: MonthQuery) -> Response:
    """Report one month from its record: the price is the same whatever the history."""
    user = principal().user
    record = services().months.get(user, query.currency, path.month)
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
                category_id=None if slot == NO_CATEGORY_SLOT else category_id(user.id, slot),
                amount=money(sums.net_minor),
                count=sums.count,
            )
            for slot, sums in sorted(record.slots.items(), key=lambda item: item[1].net_minor)
        ],
        count=record.count,
    )
    response = shown(view, version=record.version)
    response.headers["Cache-Control"] = "private, no-cache"  # kept, and asked for before each use
    return response


@routes.get(
    "/spending-summary",
    access=READ,
    returns={200: SpanSummaryList},
    problems=(RangeTooWide,),
    limits=LIMITS,
)
def summarise_spending(query: Span) -> Response:
    """Sum up a span of months by currency, against the span of equal length before it."""
    today = local_today()
    query.require_sound(today)
    found = services().analytics.summaries(principal().user, query.from_, query.to, today)
    return listed(SpanSummaryView.of(summary) for summary in found)


@routes.get(
    "/spending-by-category",
    access=READ,
    returns={200: CategorySharesList},
    problems=(RangeTooWide,),
    limits=LIMITS,
)
def share_spending(query: Span) -> Response:
    """Share the spending of a span of months by category, by currency."""
    query.require_sound(local_today())
    found = services().analytics.by_category(principal().user, query.from_, query.to)
    return listed(CategorySharesView.of(shares) for shares in found)


@routes.get(
    "/trends",
    access=READ,
    returns={200: TrendList},
    problems=(NotFound,),
    limits=LIMITS,
)
def show_trends(query: TrendQuery) -> Response:
    """Show the last whole months of spending, or of a category, with median and slope."""
    found = services().analytics.trends(
        principal().user, query.months, query.category_id, local_today()
    )
    return listed(TrendView.of(trend) for trend in found)


@routes.get("/cash-flow", access=READ, returns={200: ForecastList}, limits=LIMITS)
def forecast_cash_flow(query: CashFlowQuery) -> Response:
    """Forecast liquid money from the usual month and what recurs, by currency."""
    found = services().cash_flow.forecast(principal().user, query.days, local_today())
    return listed(ForecastView.of(forecast) for forecast in found)


@routes.get("/net-worth", access=READ, returns={200: NetWorthList}, limits=LIMITS)
def show_net_worth(query: MonthsQuery) -> Response:
    """Show what is owned and owed at the ends of months, by currency, from the accounts alone."""
    found = services().analytics.net_worth(principal().user, query.months, local_today())
    return listed(NetWorthView.of(currency, ends) for currency, ends in found.items())
