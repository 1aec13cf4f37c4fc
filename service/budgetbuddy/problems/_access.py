"""401 and 403: who are you, and may you."""

from budgetbuddy.problems._base import Problem


class Unauthorized(Problem):
    """Base of the 401s; each carries `WWW-Authenticate` (RFC 9110 § 15.5.2)."""

    code = "token_invalid"
    title = "The access token is not valid"
    status = 401

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="budgetbuddy"'})


class TokenMissing(Unauthorized):
    """No bearer token was sent."""

    code = "token_missing"
    title = "An access token is needed"


class TokenInvalid(Unauthorized):
    """Signature, type, audience or shape of the token is wrong."""


class TokenExpired(Unauthorized):
    """The token was good once."""

    code = "token_expired"
    title = "The access token has expired"


class SessionRevoked(Unauthorized):
    """The session ended, or the password changed since."""

    code = "session_revoked"
    title = "The session has ended"


class ReauthenticationRequired(Unauthorized):
    """Sensitive changes want to see the user's factors again."""

    code = "reauthentication_required"
    title = "Password and second factor have to be shown again"


class Forbidden(Problem):
    """Base of the 403s."""

    code = "forbidden"
    title = "This is not allowed"
    status = 403


class ScopeMissing(Forbidden):
    """The token does not cover this route."""

    code = "scope_missing"
    title = "The token lacks the scope of this request"


class SessionRequired(Forbidden):
    """A personal access token cannot do this."""

    code = "session_required"
    title = "This request needs a signed-in session"
