"""`/goals`: what money is put aside for, how far it is, and when it will be there."""

from typing import Any

from flask import Response

from budgetbuddy.api._goal_models import (
    ContributedView,
    ContributionList,
    ContributionPath,
    ContributionView,
    GoalChange,
    GoalList,
    GoalPath,
    GoalQuery,
    GoalView,
    MilestoneList,
    MilestoneView,
    NewContribution,
    NewGoal,
    ProjectionView,
)
from budgetbuddy.api._http import (
    PageQuery,
    answer,
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
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.accounts import WrongCurrency
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.goal_projection import LOOKED_BACK, project
from budgetbuddy.domain.goals import (
    Contribution,
    Goal,
    GoalActive,
    GoalCompleted,
    GoalDeleted,
    GoalNotDeleted,
    GoalStatus,
    InsufficientSaved,
    Purged,
    TargetBelowSaved,
    require_future,
)
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.months import month_bounds, month_of, month_plus
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
    require_plausible_date,
)
from budgetbuddy.problems import InvalidCursor, LimitReached, NotFound

routes = Routes("goals", "/api/v1/goals", area="planning")
READ, WRITE = scope("goals:read"), scope("goals:write")
MOVES = (NotFound, GoalCompleted, GoalDeleted, InsufficientSaved)


@routes.get("", access=READ, returns={200: GoalList})
def list_goals(query: GoalQuery) -> Response:
    """List goals, oldest first, or with `deleted` those of the last 30 days' trash."""
    goals = services().goals.list(principal().user)
    return listed(
        GoalView.of(goal)
        for goal in goals
        if (goal.deleted_at is not None) is query.deleted and query.status in {None, goal.status}
    )


@routes.post(
    "",
    access=WRITE,
    returns={201: GoalView},
    problems=(NotFound, LimitReached, WrongCurrency, CardNumberDetected),
    idempotency="I",
)
def create_goal(body: NewGoal) -> Response:
    """Create a savings goal."""
    fields = body.fields()
    _require_sound(fields)
    target: Money = fields["target"]
    monthly = fields["monthly_contribution"]
    if monthly is not None and monthly.currency != target.currency:
        raise WrongCurrency
    goal = Goal(
        id=make_id(Kind.GOAL),
        saved=Money.zero(target.currency),
        created_at=format_instant(services().clock()),
        **fields,
    )
    render = rendered(GoalView.of, status=201, location="/api/v1/goals/{id}")
    return answer(render, services().goals.add, goal)


@routes.get("/<goalId>", access=READ, returns={200: GoalView}, problems=(NotFound,))
def show_goal(path: GoalPath) -> Response:
    """Show one goal."""
    goal = services().goals.get(principal().user, path.goal_id)
    return shown(GoalView.of(goal), version=goal.version, derived=True)


@routes.patch(
    "/<goalId>",
    access=WRITE,
    returns={200: GoalView},
    problems=(NotFound, GoalDeleted, TargetBelowSaved, WrongCurrency, CardNumberDetected),
    if_match=True,
    idempotency="I",
)
def change_goal(path: GoalPath, body: GoalChange) -> Response:
    """Change fields; absent ones stay, null clears."""
    fields = body.fields()
    _require_sound(fields)
    render = rendered(GoalView.of)
    return answer(render, services().goals.change, path.goal_id, expected_version(), fields)


@routes.delete(
    "/<goalId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound, GoalDeleted),
    if_match=True,
    idempotency="I",
)
def delete_goal(path: GoalPath) -> Response:
    """Delete a goal; it can be restored for 30 days."""
    return answer(empty, services().goals.remove, path.goal_id, expected_version())


@routes.post(
    "/<goalId>/restore",
    access=WRITE,
    returns={200: GoalView},
    problems=(NotFound, GoalNotDeleted, LimitReached, Purged),
    idempotency="I",
)
def restore_goal(path: GoalPath) -> Response:
    """Bring a goal back."""
    return answer(rendered(GoalView.of), services().goals.restore, path.goal_id)


@routes.post(
    "/<goalId>/complete",
    access=WRITE,
    returns={200: GoalView},
    problems=(NotFound, GoalCompleted, GoalDeleted),
    if_match=True,
    idempotency="I",
)
def complete_goal(path: GoalPath) -> Response:
    """Complete a goal: it takes no more contributions."""
    return _turned(path, GoalStatus.COMPLETED)


@routes.post(
    "/<goalId>/reopen",
    access=WRITE,
    returns={200: GoalView},
    problems=(NotFound, GoalActive, GoalDeleted),
    if_match=True,
    idempotency="I",
)
def reopen_goal(path: GoalPath) -> Response:
    """Reopen a completed goal."""
    return _turned(path, GoalStatus.ACTIVE)


@routes.post(
    "/<goalId>/contributions",
    access=WRITE,
    returns={201: ContributedView},
    problems=(*MOVES, WrongCurrency, CardNumberDetected),
    idempotency="I!",
)
def contribute_to_goal(path: GoalPath, body: NewContribution) -> Response:
    """Put money aside for a goal, or take some out; never below zero."""
    require_no_card_number({"/note": body.note})
    require_plausible_date(body.date, services().clock().date())
    if body.transaction_id is not None:
        services().transactions.get(principal().user, body.transaction_id)
    contribution = Contribution(
        id=make_id(Kind.CONTRIBUTION),
        goal_id=path.goal_id,
        amount=body.amount.money(),
        day=body.date,
        note=body.note,
        transaction_id=body.transaction_id,
        created_at=format_instant(services().clock()),
    )
    render = rendered(ContributedView.of, status=201, versioned=False)
    return answer(render, services().goals.contribute, contribution)


@routes.get(
    "/<goalId>/contributions",
    access=READ,
    returns={200: ContributionList},
    problems=(NotFound, InvalidCursor),
)
def list_contributions(path: GoalPath, query: PageQuery) -> Response:
    """List contributions, newest first."""
    user = principal().user
    return paged(
        query,
        lambda start, limit: services().goals.contributions(
            user, path.goal_id, limit=limit, start=start
        ),
        ContributionView.of,
    )


@routes.delete(
    "/<goalId>/contributions/<contributionId>",
    access=WRITE,
    returns={204: None},
    problems=MOVES,
    idempotency="I",
)
def remove_contribution(path: ContributionPath) -> Response:
    """Take a contribution back."""
    return answer(empty, services().goals.withdraw, path.goal_id, path.contribution_id)


@routes.get("/<goalId>/milestones", access=READ, returns={200: MilestoneList}, problems=(NotFound,))
def list_milestones(path: GoalPath) -> Response:
    """List the quarters of the way that were reached, and when."""
    goal = services().goals.get(principal().user, path.goal_id)
    return listed(MilestoneView(percent=percent, reached_at=at) for percent, at in goal.reached)


@routes.get(
    "/<goalId>/projection", access=READ, returns={200: ProjectionView}, problems=(NotFound,)
)
def project_goal(path: GoalPath) -> Response:
    """Project a goal from the contributions of the last six months."""
    user, today = principal().user, local_today()
    goal = services().goals.get(user, path.goal_id)
    first, _ = month_bounds(month_plus(month_of(today), 1 - LOOKED_BACK))
    found = services().goals.all_contributions(user, path.goal_id, first)
    return json_response(ProjectionView.of(project(goal, found, today), goal))


def _turned(path: GoalPath, status: GoalStatus) -> Response:
    render = rendered(GoalView.of)
    return answer(render, services().goals.turn, path.goal_id, expected_version(), status)


def _require_sound(fields: dict[str, Any]) -> None:
    require_no_card_number({"/name": fields.get("name")})
    if fields.get("target_date") is not None:
        require_future(fields["target_date"], local_today())
