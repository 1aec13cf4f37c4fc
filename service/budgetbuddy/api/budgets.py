"""`/budgets`: what is meant to be spent, what was, and what is left."""

from dataclasses import replace

from flask import Response

from budgetbuddy.api._budget_models import (
    AlertList,
    AlertPath,
    AlertQuery,
    AlertView,
    BudgetInput,
    BudgetList,
    BudgetPath,
    BudgetView,
    CycleList,
    HistoryQuery,
    cycle_view,
)
from budgetbuddy.api._budget_report_models import (
    CurrencyQuery,
    SuggestionList,
    SuggestionView,
    SummaryQuery,
    SummaryView,
)
from budgetbuddy.api._fields import MoneyView, require_plausible_month
from budgetbuddy.api._http import (
    answer,
    context,
    empty,
    expected_version,
    json_response,
    listed,
    local_today,
    paged,
    principal,
    rendered,
    services,
    shown,
    version_or_new,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.budgets import BudgetExists, RolloverNeedsMonthly
from budgetbuddy.domain.categories import CategoryArchived
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import month_of
from budgetbuddy.problems import InvalidCursor, NotFound

routes = Routes("budgets", "/api/v1/budgets", area="planning")
READ, WRITE = scope("budgets:read"), scope("budgets:write")


@routes.get("", access=READ, returns={200: BudgetList})
def list_budgets() -> Response:
    """List all budgets."""
    return listed(BudgetView.of(found) for found in services().budgets.list(principal().user))


@routes.get("/summary", access=READ, returns={200: SummaryView})
def summarise_budgets(query: SummaryQuery) -> Response:
    """Summarise a month: what may be spent, what was, and whether it fits the income.

    Refunds are net. Pending, excluded and deleted rows, transfers and other currencies do not
    count; spending in other currencies is listed.
    """
    today = local_today()
    month = query.month or month_of(today)
    require_plausible_month(month, today, "/month")
    found = services().budget_reports.summary(
        principal().user, _currency(query.currency), month, today
    )
    return json_response(SummaryView.of(found))


@routes.get("/suggestions", access=READ, returns={200: SuggestionList})
def suggest_budgets(query: CurrencyQuery) -> Response:
    """Suggest limits: the median of six months and a tenth, rounded up to five units."""
    code = _currency(query.currency)
    found = services().budget_reports.suggestions(principal().user, code, local_today())
    return listed(
        SuggestionView(category_id=category_id, limit=MoneyView.of(Money(minor, currency_of(code))))
        for category_id, minor in found
    )


@routes.get("/alerts", access=READ, returns={200: AlertList}, problems=(InvalidCursor,))
def list_budget_alerts(query: AlertQuery) -> Response:
    """List alerts, newest cycle first; what was crossed since the last look is raised first."""
    user = principal().user
    thresholds = services().users.get(user).preferences.alert_thresholds
    lines = services().budget_reports.lines(user, local_today())
    services().budget_alerts.raise_new(replace(context(), actor="system"), lines, thresholds)
    return paged(
        query,
        lambda start, limit: services().budget_alerts.list(
            user, acknowledged=query.acknowledged, limit=limit, start=start
        ),
        AlertView.of,
    )


@routes.post(
    "/alerts/<alertId>/acknowledge",
    access=WRITE,
    returns={200: AlertView},
    problems=(NotFound,),
    idempotency="I",
)
def acknowledge_budget_alert(path: AlertPath) -> Response:
    """Mark an alert as seen."""
    render = rendered(AlertView.of, versioned=False)
    return answer(render, services().budget_alerts.acknowledge, path.alert_id)


@routes.get("/<categoryId>", access=READ, returns={200: BudgetView}, problems=(NotFound,))
def show_budget(path: BudgetPath) -> Response:
    """Show the budget of a category."""
    budget = services().budgets.get(principal().user, path.category_id)
    return shown(BudgetView.of(budget), version=budget.version)


@routes.put(
    "/<categoryId>",
    access=WRITE,
    returns={200: BudgetView, 201: BudgetView},
    problems=(NotFound, BudgetExists, CategoryArchived, RolloverNeedsMonthly, WrongCurrency),
    upsert=True,
    idempotency="I",
)
def set_budget(path: BudgetPath, body: BudgetInput) -> Response:
    """Create a budget (`If-None-Match: *`) or replace it (`If-Match`)."""
    today, version = local_today(), version_or_new()
    terms = body.terms(today)
    require_plausible_month(terms.effective_from, today, "/effectiveFrom")
    location = "/api/v1/budgets/{id}" if version is None else None
    render = rendered(BudgetView.of, status=201 if version is None else 200, location=location)
    return answer(render, services().budgets.set, path.category_id, version, terms)


@routes.delete(
    "/<categoryId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound,),
    if_match=True,
    idempotency="I",
)
def delete_budget(path: BudgetPath) -> Response:
    """Delete the budget of a category, its past limits included."""
    return answer(empty, services().budgets.remove, path.category_id, expected_version())


@routes.get("/<categoryId>/history", access=READ, returns={200: CycleList}, problems=(NotFound,))
def show_budget_history(path: BudgetPath, query: HistoryQuery) -> Response:
    """List the last cycles, oldest first: months, or for shorter budgets as many cycles."""
    user = principal().user
    budget = services().budgets.get(user, path.category_id)
    cycles = services().budget_reports.history(user, path.category_id, local_today(), query.months)
    return listed(cycle_view(cycle, budget.currency) for cycle in cycles)


def _currency(asked: str | None) -> str:
    return asked or services().users.get(principal().user).preferences.currency
