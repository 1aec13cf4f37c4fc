"""Registration of routes: what each declares here is enforced before its function runs.

    routes = Routes("accounts", "/api/v1/accounts")

    @routes.patch(
        "/<accountId>",
        access=scope("accounts:write"),
        returns={200: AccountView},
        problems=(NotFound,),
        if_match=True,
        idempotency="I",
    )
    def change_account(path: AccountPath, body: AccountChange) -> Response:
        \"\"\"Change an account.\"\"\"

The order is fixed: who is it, may they, how often, headers, path, query, body, Idempotency-Key.
Parameters are found by name: `path` and `query` (`Query` models), `body` (`Input` model), `form`
(multipart). The summary of the OpenAPI operation is the docstring's first line.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from budgetbuddy.api._declaration import Declaration
from budgetbuddy.api._gates import admit, expect_version, expect_version_or_none, run_once
from budgetbuddy.api._operation import describe
from budgetbuddy.api._reading import read_parts

View = Callable[..., Response]

DECLARATION = "__budgetbuddy_route__"


class Routes:
    """The routes of one resource. `name` is the tag in OpenAPI and the `Area` of metrics."""

    def __init__(self, name: str, prefix: str, *, area: str | None = None) -> None:
        self.area = area or name
        self.blueprint = APIBlueprint(
            name, __name__, url_prefix=prefix, abp_tags=[Tag(name=name)], doc_ui=True
        )

    def get(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Register a reading route; arguments are the fields of `Declaration`."""
        return self._register("get", rule, declared)

    def post(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Register a creating or acting route."""
        return self._register("post", rule, declared)

    def put(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Register a replacing route."""
        return self._register("put", rule, declared)

    def patch(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Register a changing route."""
        return self._register("patch", rule, declared)

    def delete(self, rule: str, **declared: Any) -> Callable[[View], View]:
        """Register a removing route."""
        return self._register("delete", rule, declared)

    def _register(self, method: str, rule: str, declared: dict[str, Any]) -> Callable[[View], View]:
        def register(function: View) -> View:
            parts = {
                name: hint
                for name, hint in get_type_hints(function).items()
                if name in {"path", "query", "body", "form"}
            }
            declaration = Declaration(area=self.area, parts=parts, **declared)
            handler = _handler(function, declaration)
            add = getattr(self.blueprint, method)
            add(rule, **describe(function.__name__, declaration))(handler)
            return function

        return register


def _handler(function: View, declaration: Declaration) -> View:
    def handle(**url: str) -> Response:
        admit(declaration)
        request.max_content_length = declaration.max_bytes
        if declaration.if_match:
            expect_version()
        elif declaration.upsert:
            expect_version_or_none()
        parts = read_parts(declaration.parts, url, is_raw=declaration.signed_by is not None)
        return run_once(declaration, parts, lambda: function(**parts))

    handle.__name__ = function.__name__
    handle.__qualname__ = function.__qualname__
    handle.__doc__ = function.__doc__
    handle.__module__ = function.__module__
    handle.__annotations__ = dict(declaration.parts)
    setattr(handle, "__delay_validate_request__", True)  # noqa: B010 - flask-openapi3's own switch
    setattr(handle, DECLARATION, declaration)
    return handle


def declarations(views: Mapping[str, Callable[..., Any]]) -> dict[str, Declaration | None]:
    """By endpoint, what was declared; `None` for a route that escaped."""
    return {endpoint: getattr(view, DECLARATION, None) for endpoint, view in views.items()}
