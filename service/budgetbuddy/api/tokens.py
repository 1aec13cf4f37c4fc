"""`/tokens`: personal access tokens for a user's own scripts."""

from datetime import timedelta
from typing import Annotated

from flask import Response
from pydantic import ConfigDict, Field

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import Name
from budgetbuddy.api._http import (
    context,
    empty,
    json_response,
    listed,
    principal,
    respond,
    services,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import FRESH, SESSION, Scope
from budgetbuddy.domain.access_tokens import (
    MAX_DAYS,
    SHOWN,
    AccessToken,
    digest_of,
    new_token,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
)
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("tokens", "/api/v1/tokens", area="auth")


class TokenPath(Query):
    """Path of one token."""

    token_id: str


class NewToken(Input):
    """A token: what it may do, and for how many days."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Nightly export",
                "scopes": ["accounts:read", "transactions:read"],
                "expiresInDays": 90,
            }
        }
    )

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_in_days: Annotated[int, Field(ge=1, le=MAX_DAYS)]


class TokenView(View):
    """A token as its owner recognises it: `prefix` is how it starts."""

    id: str
    name: str
    scopes: list[Scope]
    prefix: str
    created_at: str
    expires_at: str
    last_used_at: str | None

    @classmethod
    def fields(cls, token: AccessToken) -> dict[str, object]:
        """The fields of a view."""
        return {
            "id": token.id,
            "name": token.name,
            "scopes": list(token.scopes),
            "prefix": token.shown,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used.isoformat() if token.last_used else None,
        }


class CreatedToken(TokenView):
    """A new token; `token` is never shown again."""

    token: str


class TokenList(View):
    """All tokens, newest first."""

    items: list[TokenView]
    next_cursor: str | None


@routes.get("", access=SESSION, returns={200: TokenList})
def list_tokens() -> Response:
    """List personal access tokens, newest first."""
    tokens = services().access_tokens.list(principal().user)
    return listed(TokenView.model_validate(TokenView.fields(token)) for token in tokens)


@routes.post(
    "",
    access=FRESH,
    returns={201: CreatedToken},
    problems=(LimitReached, CardNumberDetected),
    limits=("sensitive",),
)
def create_token(body: NewToken) -> Response:
    """Create a personal access token; it is shown this once."""
    require_no_card_number({"/name": body.name})
    secret, now = new_token(), services().clock()
    token = AccessToken(
        id=make_id(Kind.ACCESS_TOKEN),
        name=body.name,
        scopes=tuple(sorted(set(body.scopes))),
        shown=secret[:SHOWN],
        digest=digest_of(secret),
        created_at=format_instant(now),
        expires_at=format_instant(now + timedelta(days=body.expires_in_days)),
    )
    made = services().access_tokens.add(context(), token)
    view = CreatedToken.model_validate({**TokenView.fields(made), "token": secret})
    return json_response(view, 201)


@routes.get("/<tokenId>", access=SESSION, returns={200: TokenView}, problems=(NotFound,))
def show_token(path: TokenPath) -> Response:
    """Show one personal access token."""
    token = services().access_tokens.get(principal().user, path.token_id)
    return json_response(TokenView.model_validate(TokenView.fields(token)))


@routes.delete("/<tokenId>", access=SESSION, returns={204: None}, problems=(NotFound,))
def revoke_token(path: TokenPath) -> Response:
    """Revoke a personal access token; within ten seconds it opens nothing anywhere."""
    found = services().access_tokens.get(principal().user, path.token_id)
    services().access_tokens.revoke(context(), path.token_id)
    services().authenticator.forget_token(found.digest)
    return respond(empty())
