"""What every problem has in common: code, title, status, and its document after RFC 9457."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

TYPE_PREFIX = "urn:budgetbuddy:problem:"


@dataclass(frozen=True, kw_only=True)
class FieldError:
    """One wrong field: JSON pointer into the request, stable code, fixed text. Never its value."""

    pointer: str
    code: str
    detail: str


class Problem(Exception):  # noqa: N818 - RFC 9457 calls it a problem
    """Anything a client is told instead of the answer it asked for.

    `detail` helps the reader and holds no secret and nothing the client sent; `headers` go out
    with the response, e.g. `Retry-After`.
    """

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "The service failed"
    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def document(self, *, instance: str, request_id: str) -> dict[str, object]:
        """The members of RFC 9457 § 3.1, and `errors` when fields are at fault."""
        document: dict[str, object] = {
            "type": TYPE_PREFIX + self.code.replace("_", "-"),
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "instance": instance,
            "code": self.code,
            "requestId": request_id,
        }
        if self.errors:
            document["errors"] = [vars(error) for error in self.errors]
        return document
