"""`/sync`: everything once, then only what changed."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from flask import Response
from pydantic import BaseModel, Field

from budgetbuddy.api._account_models import AccountView
from budgetbuddy.api._body import Query, View
from budgetbuddy.api._budget_models import BudgetView
from budgetbuddy.api._goal_models import GoalView
from budgetbuddy.api._http import json_response, principal, services
from budgetbuddy.api._recurring_models import RecurringView
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._rule_views import RuleView
from budgetbuddy.api._transaction_models import TransactionView
from budgetbuddy.api.categories import CategoryView
from budgetbuddy.api.transfers import TransferView
from budgetbuddy.api.users import UserView
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.sync import (
    InvalidSyncToken,
    SyncChange,
    SyncOp,
    SyncPage,
    SyncTokenExpired,
    SyncType,
    decode_token,
)

routes = Routes("sync", "/api/v1/sync")

VIEWS: Mapping[SyncType, Callable[[Any], BaseModel]] = {
    SyncType.ACCOUNT: AccountView.of,
    SyncType.TRANSACTION: TransactionView.of,
    SyncType.TRANSFER: TransferView.of,
    SyncType.CATEGORY: CategoryView.of,
    SyncType.RULE: RuleView.of,
    SyncType.RECURRING: RecurringView.of,
    SyncType.BUDGET: BudgetView.of,
    SyncType.GOAL: GoalView.of,
    SyncType.PROFILE: UserView.of,
}


class SyncQuery(Query):
    """Where the client is, as the last answer's `next` said; without it, from the beginning."""

    since: Annotated[str, Field(max_length=200, pattern="^[A-Za-z0-9_-]+$")] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100


class ChangeView(View):
    """One entity: `data` is what its own route shows, null when it is gone."""

    seq: int
    type: SyncType
    id: str
    op: SyncOp
    version: int
    data: dict[str, Any] | None

    @classmethod
    def of(cls, change: SyncChange) -> "ChangeView":
        """The view of a change."""
        shown = VIEWS[change.type](change.entity) if change.entity is not None else None
        return cls(
            seq=change.seq,
            type=change.type,
            id=change.id,
            op=change.op,
            version=change.version,
            data=shown.model_dump(mode="json") if shown else None,
        )


class SyncView(View):
    """Changes in the order of their commits, one an entity; go on with `next`."""

    changes: list[ChangeView]
    next: str
    has_more: bool

    @classmethod
    def of(cls, page: SyncPage) -> "SyncView":
        """The view of a page."""
        return cls(
            changes=[ChangeView.of(change) for change in page.changes],
            next=page.next.encode(),
            has_more=page.has_more,
        )


@routes.get(
    "",
    access=scope("sync:read"),
    returns={200: SyncView},
    problems=(InvalidSyncToken, SyncTokenExpired),
)
def sync(query: SyncQuery) -> Response:
    """Bring a client up to date: all there is at first, then only what changed since.

    Ask on while `hasMore`, and later with the last `next`. What is gone comes as a tombstone for
    90 days; a token older than that is refused, and the client begins anew.
    """
    since = decode_token(query.since) if query.since is not None else None
    page = services().sync_feed.page(principal().user, since, limit=query.limit)
    return json_response(SyncView.of(page))
