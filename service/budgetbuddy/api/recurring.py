"""`/recurring`: what moves money again and again, and when it will."""

from flask import Response

from budgetbuddy.api._http import (
    answer,
    empty,
    expected_version,
    json_response,
    listed,
    local_today,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._recurring_models import (
    DetectionInput,
    DetectionView,
    DueList,
    DueView,
    NewRecurring,
    RecurringChange,
    RecurringList,
    RecurringPath,
    RecurringQuery,
    RecurringView,
    UpcomingQuery,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.categories import CategoryArchived
from budgetbuddy.domain.recurring import AlreadyConfirmed
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("recurring", "/api/v1/recurring", area="planning")
READ, WRITE = scope("transactions:read"), scope("transactions:write")
REFUSED = (NotFound, AlreadyConfirmed, CategoryArchived, WrongCurrency, CardNumberDetected)


@routes.post("/detect", access=READ, returns={200: DetectionView}, limits=("analytics",))
def detect_recurring(body: DetectionInput) -> Response:
    """Find what recurs in the last months and is no item yet; nothing is written."""
    found = services().recurring_calendar.detect(principal().user, body.months, local_today())
    return json_response(DetectionView.of(found))


@routes.get("", access=READ, returns={200: RecurringList})
def list_recurring(query: RecurringQuery) -> Response:
    """List recurring items, oldest first."""
    items = services().recurring.list(principal().user)
    return listed(RecurringView.of(i) for i in items if query.status in {None, i.status})


@routes.post(
    "",
    access=WRITE,
    returns={201: RecurringView},
    problems=(*REFUSED, LimitReached),
    idempotency="I",
)
def create_recurring(body: NewRecurring) -> Response:
    """Confirm a candidate, or create a recurring item by hand."""
    require_no_card_number({"/name": body.name})
    require_plausible_date(body.next_date, services().clock().date(), "/nextDate")
    render = rendered(RecurringView.of, status=201, location="/api/v1/recurring/{id}")
    return answer(render, services().recurring.add, body.item())


@routes.get("/upcoming", access=READ, returns={200: DueList})
def list_upcoming(query: UpcomingQuery) -> Response:
    """List the due days of active items ahead, and those of the last month, kept or missed."""
    found = services().recurring_calendar.upcoming(principal().user, query.days, local_today())
    return listed(DueView.of(due) for due in found)


@routes.get("/<recurringId>", access=READ, returns={200: RecurringView}, problems=(NotFound,))
def show_recurring(path: RecurringPath) -> Response:
    """Show one recurring item."""
    item = services().recurring.get(principal().user, path.recurring_id)
    return shown(RecurringView.of(item), version=item.version)


@routes.patch(
    "/<recurringId>",
    access=WRITE,
    returns={200: RecurringView},
    problems=REFUSED,
    if_match=True,
    idempotency="I",
)
def change_recurring(path: RecurringPath, body: RecurringChange) -> Response:
    """Change fields; absent ones stay, null clears."""
    fields = body.fields()
    require_no_card_number({"/name": fields.get("name")})
    if "next_date" in fields:
        require_plausible_date(fields["next_date"], services().clock().date(), "/nextDate")
    return answer(
        rendered(RecurringView.of),
        services().recurring.change,
        path.recurring_id,
        expected_version(),
        fields,
    )


@routes.delete(
    "/<recurringId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound,),
    if_match=True,
    idempotency="I",
)
def delete_recurring(path: RecurringPath) -> Response:
    """Delete an item; the transactions it was found in stay."""
    return answer(empty, services().recurring.remove, path.recurring_id, expected_version())
