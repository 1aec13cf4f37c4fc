"""What `/analytics` takes and gives beside the report of one month."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._budget_models import money_of
from budgetbuddy.api._fields import MoneyView, Month, require_plausible_month
from budgetbuddy.domain.analytics import MAX_MONTHS, CategoryShares, SpanSummary, Sums, Trend, Worth
from budgetbuddy.domain.currency import Currency, currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import months_between
from budgetbuddy.domain.transactions import RangeTooWide


class Span(Query):
    """Months, both included, at most 36."""

    from_: Annotated[Month, Field(alias="from")]
    to: Month

    @model_validator(mode="after")
    def _is_a_span(self) -> "Span":
        if self.from_ > self.to:
            raise PydanticCustomError("not_a_span", "from is not after to")
        return self

    def require_sound(self, today: date) -> None:
        """Raises `ValidationFailed`, `RangeTooWide`."""
        for pointer, month in (("/from", self.from_), ("/to", self.to)):
            require_plausible_month(month, today, pointer)
        if len(months_between(self.from_, self.to)) > MAX_MONTHS:
            raise RangeTooWide(f"at most {MAX_MONTHS} months")


class TrendQuery(Query):
    """How many whole months, and of which category; all spending unless told."""

    months: Annotated[int, Field(ge=2, le=MAX_MONTHS)] = 12
    category_id: str | None = None


class MonthsQuery(Query):
    """How many months, the running one included."""

    months: Annotated[int, Field(ge=1, le=120)] = 12


class SumsView(View):
    """Of a span of months; spending is negative."""

    income: MoneyView
    spending: MoneyView
    net: MoneyView

    @classmethod
    def of(cls, sums: Sums, currency: Currency) -> "SumsView":
        """The view of sums."""
        return cls(
            income=money_of(sums.income, currency),
            spending=money_of(sums.spending, currency),
            net=money_of(sums.net, currency),
        )


class SpanSummaryView(View):
    """A span of months in one currency, and its difference from the span before.

    `dailyAverage` is the spending of a day that has passed.
    """

    currency: str
    income: MoneyView
    spending: MoneyView
    net: MoneyView
    daily_average: MoneyView
    previous: SumsView
    change: SumsView

    @classmethod
    def of(cls, found: SpanSummary) -> "SpanSummaryView":
        """The view of a summary."""
        currency, now, before = currency_of(found.currency), found.sums, found.previous
        change = Sums(income=now.income - before.income, spending=now.spending - before.spending)
        daily = Money(now.spending, currency).percent(1, found.days)
        return cls(
            currency=currency.code,
            **dict(SumsView.of(now, currency)),
            daily_average=MoneyView.of(daily),
            previous=SumsView.of(before, currency),
            change=SumsView.of(change, currency),
        )


class SpanSummaryList(View):
    """One summary a currency."""

    items: list[SpanSummaryView]
    next_cursor: str | None = None


class ShareView(View):
    """A category's part. `share` is in percent; those of a currency are 100.00 together."""

    category_id: str | None
    amount: MoneyView
    share: str
    count: int


class CategorySharesView(View):
    """The spending of one currency, the most first; `categoryId` null is what has none."""

    currency: str
    spending: MoneyView
    categories: list[ShareView]

    @classmethod
    def of(cls, found: CategoryShares) -> "CategorySharesView":
        """The view of shares."""
        currency = currency_of(found.currency)
        return cls(
            currency=currency.code,
            spending=money_of(found.spending, currency),
            categories=[
                ShareView(
                    category_id=share.category_id,
                    amount=money_of(share.minor, currency),
                    share=f"{share.hundredths // 100}.{share.hundredths % 100:02}",
                    count=share.count,
                )
                for share in found.shares
            ],
        )


class CategorySharesList(View):
    """One share-out a currency."""

    items: list[CategorySharesView]
    next_cursor: str | None = None


class MonthAmount(View):
    """What a month came to."""

    month: str
    amount: MoneyView


class TrendView(View):
    """Whole months of one currency, oldest first, and `running`, the month that is not over.

    `median` is that of the whole months, `slope` the change from one to the next.
    """

    currency: str
    series: list[MonthAmount]
    median: MoneyView
    slope: MoneyView
    running: MoneyView

    @classmethod
    def of(cls, found: Trend) -> "TrendView":
        """The view of a trend."""
        currency = currency_of(found.currency)
        return cls(
            currency=currency.code,
            series=[
                MonthAmount(month=month, amount=money_of(minor, currency))
                for month, minor in found.series
            ],
            median=money_of(found.median, currency),
            slope=money_of(found.slope, currency),
            running=money_of(found.running, currency),
        )


class TrendList(View):
    """One trend a currency."""

    items: list[TrendView]
    next_cursor: str | None = None


class WorthView(View):
    """The end of a month; liabilities are negative."""

    month: str
    assets: MoneyView
    liabilities: MoneyView
    net: MoneyView


class NetWorthView(View):
    """The worth of one currency, oldest month first, today's last."""

    currency: str
    months: list[WorthView]

    @classmethod
    def of(cls, code: str, found: Sequence[Worth]) -> "NetWorthView":
        """The view of month ends."""
        currency = currency_of(code)
        return cls(
            currency=code,
            months=[
                WorthView(
                    month=end.month,
                    assets=money_of(end.assets, currency),
                    liabilities=money_of(end.liabilities, currency),
                    net=money_of(end.assets + end.liabilities, currency),
                )
                for end in found
            ],
        )


class NetWorthList(View):
    """One history a currency."""

    items: list[NetWorthView]
    next_cursor: str | None = None
