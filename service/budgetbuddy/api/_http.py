"""What every route uses: the services, who is calling, answers, versions, lists and cursors.

A route that changes something names how its result is rendered, and hands that to the use case
through the context, so that the answer is stored in the same transaction as the change:

    @routes.post("", access=scope("accounts:write"), returns={201: AccountView}, idempotency="I")
    def create_account(body: NewAccount) -> Response:
        render = rendered(AccountView.of, status=201, location="/api/v1/accounts/{id}")
        return answer(render, services().accounts.add, body.account(), body.opening())

A route that reads one resource, and one that reads a list:

        return shown(AccountView.of(account), version=account.version)
        return paged(query, lambda start, limit: load(start, limit), TransactionView.of)
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar, cast

import orjson
from flask import Response, current_app, g, request
from pydantic import BaseModel, Field

from budgetbuddy.api._body import Query
from budgetbuddy.domain.access import Principal
from budgetbuddy.domain.dates import today_in
from budgetbuddy.domain.ports import Claim, Context, Page, Position, Render, Reply
from budgetbuddy.domain.services import Services

T = TypeVar("T")
P = ParamSpec("P")

JSON = "application/json; charset=utf-8"
MAX_PAGE = 100
DEFAULT_PAGE = 20
USER_AGENT_LENGTH = 200


class PageQuery(Query):
    """Query of every paged list; lists with filters inherit from it."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: Annotated[str, Field(max_length=2_048, pattern="^[A-Za-z0-9_-]+$")] | None = None


@dataclass
class RequestState:
    """What the route's gates found out, kept for this request."""

    request_id: str
    client_ip: str
    route: str = ""
    principal: Principal | None = None
    claim: Claim | None = None
    completes: bool = False  # whether a command was given the claim to complete
    expected_version: int | None = None


def services() -> Services:
    """The ports that `create_app` built."""
    return cast("Services", current_app.extensions["budgetbuddy"])


def state() -> RequestState:
    """The state of this request."""
    return cast("RequestState", g.state)


def principal() -> Principal:
    """Who is calling; only on routes that are not public."""
    who = state().principal
    if who is None:
        raise RuntimeError("a public route asked who is calling")
    return who


def expected_version() -> int:
    """The version named by `If-Match`; only on routes registered with `if_match=True`."""
    version = state().expected_version
    if version is None:
        raise RuntimeError("the route is not registered with if_match=True")
    return version


def version_or_new() -> int | None:
    """The version to replace, `None` to create; only on routes registered with `upsert=True`."""
    return state().expected_version


def context(render: Render | None = None) -> Context:
    """The acting user for a use case. With `render`, its command completes the Idempotency-Key."""
    who, current = principal(), state()
    current.completes = current.completes or render is not None
    return Context(
        user=who.user,
        request_id=current.request_id,
        actor=who.actor,
        session_id=who.session_id or None,
        ip=current.client_ip,
        user_agent=user_agent(),
        claim=current.claim if render is not None else None,
        render=render,
    )


def local_today() -> date:
    """The calendar date that it is for the user; it costs a read of the profile."""
    profile = services().users.get(principal().user)
    return today_in(profile.preferences.timezone, services().clock())


def user_agent() -> str:
    """The client's own description, cut."""
    return request.headers.get("User-Agent", "")[:USER_AGENT_LENGTH]


# --- Answers -------------------------------------------------------------------------------------


def json_bytes(view: BaseModel | Mapping[str, Any]) -> bytes:
    """The JSON of a view."""
    document = view.model_dump(mode="json") if isinstance(view, BaseModel) else view
    return orjson.dumps(document)


def rendered(
    to_view: Callable[[Any], BaseModel],
    *,
    status: int = 200,
    location: str | None = None,
    versioned: bool = True,
) -> Render:
    """How a result becomes an answer: body, `ETag` from its `version`, `Location` from its `id`."""

    def render(result: Any) -> Reply:
        headers = {"Content-Type": JSON}
        if versioned:
            headers["ETag"] = f'"{result.version}"'
        if location is not None:
            headers["Location"] = location.format(id=result.id)
        return Reply(status=status, headers=headers, body=json_bytes(to_view(result)))

    return render


def empty(_: object = None) -> Reply:
    """Renders 204."""
    return Reply(status=204)


def answer(
    render: Render,
    use_case: Callable[Concatenate[Context, P], Any],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Run a command and answer with its rendered result."""
    return respond(render(use_case(context(render), *args, **kwargs)))


def respond(reply: Reply) -> Response:
    """The Flask response of a reply."""
    return Response(reply.body, status=reply.status, headers=dict(reply.headers))


def json_response(view: BaseModel | Mapping[str, Any], status: int = 200) -> Response:
    """An answer without a version."""
    return respond(Reply(status=status, headers={"Content-Type": JSON}, body=json_bytes(view)))


def shown(view: BaseModel, *, version: int, derived: bool = False) -> Response:
    """One resource with its `ETag`; 304 when the client has that version already.

    `derived` resources hold figures that do not raise the version, and answer no 304.
    """
    etag = f'"{version}"'
    if not derived and etag in _tags(request.headers.get("If-None-Match", "")):
        return respond(Reply(status=304, headers={"ETag": etag}))
    headers = {"Content-Type": JSON, "ETag": etag}
    return respond(Reply(status=200, headers=headers, body=json_bytes(view)))


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]  # weak, RFC 9110 § 13.1.2


def listed(items: Iterable[BaseModel], next_cursor: str | None = None) -> Response:
    """The envelope of every list."""
    rows = [item.model_dump(mode="json") for item in items]
    return json_response({"items": rows, "nextCursor": next_cursor})


def paged(
    query: PageQuery,
    load: Callable[[Position | None, int], Page[T]],
    to_view: Callable[[T], BaseModel],
) -> Response:
    """One page of a list, and the cursor of the next, valid for these filters only."""
    bound = {
        "subject": principal().user.subject,
        "route": state().route,
        "filters": _filters(query),
    }
    cursors = services().cursors
    start = cursors.decode(query.cursor, **bound) if query.cursor else None
    page = load(start, query.limit)
    following = cursors.encode(**bound, position=page.next) if page.next else None
    return listed((to_view(item) for item in page.items), following)


def _filters(query: PageQuery) -> str:
    """Digest of everything that selects or orders; page size and place may change."""
    chosen = query.model_dump(mode="json", exclude={"cursor", "limit"}, exclude_none=True)
    return hashlib.sha256(orjson.dumps(chosen, option=orjson.OPT_SORT_KEYS)).hexdigest()
