"""What the routes that open and end sessions have in common."""

from collections.abc import Callable
from typing import TypeVar

from flask import Response

from budgetbuddy.api._auth_models import SessionView
from budgetbuddy.api._http import json_response, principal, services, state, user_agent
from budgetbuddy.contract import Metric
from budgetbuddy.domain.identity import Origin, RefreshReused, SignedIn
from budgetbuddy.domain.second_factor import Challenged
from budgetbuddy.problems import TooManyAttempts, Unauthorized
from budgetbuddy.telemetry import count, note

T = TypeVar("T", bound=SignedIn | Challenged)


def signed_in_answer(signed_in: SignedIn, status: int = 200) -> Response:
    """A new pair of tokens."""
    note(subject=signed_in.profile.user.subject, sessionId=signed_in.session.id)
    return json_response(SessionView.of(signed_in), status)


def counted(method: str, attempt: Callable[[], T]) -> T:
    """Run a sign-in and count how it ended; a challenge is no end yet."""
    try:
        outcome = attempt()
    except RefreshReused:
        count(Metric.REFRESH_REUSE_DETECTED)
        count(Metric.AUTH_FAILED, dimension=method)
        raise
    except TooManyAttempts:
        count(Metric.ACCOUNT_LOCKED)
        raise
    except Unauthorized:
        count(Metric.AUTH_FAILED, dimension=method)
        raise
    if isinstance(outcome, SignedIn):
        count(Metric.AUTH_SUCCEEDED, dimension=method)
    return outcome


def forget_session(session_id: str) -> None:
    """Our own process need not remember for ten seconds what it has just ended."""
    services().authenticator.forget(principal().user.id, session_id)


def origin() -> Origin:
    """Where this request comes from."""
    current = state()
    return Origin(request_id=current.request_id, ip=current.client_ip, user_agent=user_agent())
