"""`/users/me/email`: another address, once a code came back from it."""

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, StringConstraints

from budgetbuddy.api._auth_models import Email
from budgetbuddy.api._body import Input, View
from budgetbuddy.api._http import answer, context, json_response, rendered, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.users import UserView
from budgetbuddy.domain.access import FRESH, SESSION
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.email_change import EmailUnavailable
from budgetbuddy.domain.identity import CodeInvalid

routes = Routes("email", "/api/v1/users/me/email", area="users")
EXAMPLE_ID = "Zk3vJr0iTq6b2Yl1cXo9hA"


class NewEmail(Input):
    """The address to use from now on."""

    model_config = ConfigDict(json_schema_extra={"example": {"newEmail": "ann@example.org"}})

    new_email: Email


class EmailChangeView(View):
    """A change that waits for its code."""

    change_id: str
    expires_at: str


class EmailConfirmation(Input):
    """The code that came to the new address."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"changeId": EXAMPLE_ID, "code": "7F3KX2PA"}}
    )

    change_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
    code: Annotated[str, StringConstraints(min_length=1, max_length=20)]


@routes.post("", access=FRESH, returns={202: EmailChangeView}, limits=("sensitive",))
def request_email_change(body: NewEmail) -> Response:
    """Ask for another e-mail address: it gets a code, the old one a notice.

    The answer is the same whether or not somebody has the address already.
    """
    change_id, expires_at = services().email_addresses.request(context(), body.new_email)
    view = EmailChangeView(change_id=change_id, expires_at=format_instant(expires_at))
    return json_response(view, 202)


@routes.post(
    "/confirm",
    access=SESSION,
    returns={200: UserView},
    problems=(CodeInvalid, EmailUnavailable),
)
def confirm_email_change(body: EmailConfirmation) -> Response:
    """Confirm the new address with the mailed code; log-in asks for it from now on."""
    confirm = services().email_addresses.confirm
    return answer(rendered(UserView.of), confirm, body.change_id, body.code)
