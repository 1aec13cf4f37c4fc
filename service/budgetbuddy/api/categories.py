"""`/categories`: what money was for."""

from typing import Annotated

from flask import Response
from pydantic import ConfigDict, StringConstraints

from budgetbuddy.api._body import Input, Query, View
from budgetbuddy.api._fields import Name, unset
from budgetbuddy.api._http import (
    answer,
    empty,
    expected_version,
    listed,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.jobs import JobView
from budgetbuddy.domain.access import scope
from budgetbuddy.domain.categories import (
    Category,
    CategoryArchived,
    CategoryInUse,
    CategoryKind,
    NameTaken,
)
from budgetbuddy.domain.category_merges import KindMismatch
from budgetbuddy.domain.transactions import (
    CardNumberDetected,
    require_no_card_number,
)
from budgetbuddy.problems import LimitReached, NotFound

routes = Routes("categories", "/api/v1/categories", area="transactions")
READ, WRITE = scope("transactions:read"), scope("transactions:write")
Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


class CategoryPath(Query):
    """Path of one category."""

    category_id: str


class CategoryQuery(Query):
    """Which categories to list."""

    include_archived: bool = False


class NewCategory(Input):
    """A category; its name is unique among live ones, its kind never changes."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Books", "group": "Leisure", "kind": "expense"}}
    )

    name: Name
    group: Name | None = None
    kind: CategoryKind
    color: Color | None = None


class CategoryChange(Input):
    """Fields to replace; absent ones stay."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Books and music"}})

    name: Name = unset()
    group: Name | None = unset()
    color: Color | None = unset()


class CategoryView(View):
    """A category."""

    id: str
    name: str
    group: str | None
    kind: CategoryKind
    color: str | None
    archived: bool
    version: int

    @classmethod
    def of(cls, category: Category) -> "CategoryView":
        """The view of a category."""
        return cls(**{name: getattr(category, name) for name in cls.model_fields})


class CategoryList(View):
    """All categories, oldest first; the list is not paged."""

    items: list[CategoryView]
    next_cursor: str | None = None


@routes.get("", access=READ, returns={200: CategoryList})
def list_categories(query: CategoryQuery) -> Response:
    """List all categories, oldest first; archived ones only when asked for."""
    categories = services().categories.list(principal().user)
    return listed(
        CategoryView.of(category)
        for category in categories
        if query.include_archived or not category.archived
    )


@routes.post(
    "",
    access=WRITE,
    returns={201: CategoryView},
    problems=(NameTaken, LimitReached, CardNumberDetected),
    idempotency="I",
)
def create_category(body: NewCategory) -> Response:
    """Create a category."""
    require_no_card_number({"/name": body.name, "/group": body.group})
    render = rendered(CategoryView.of, status=201, location="/api/v1/categories/{id}")
    draft = {name: getattr(body, name) for name in ("name", "group", "kind", "color")}
    return answer(render, services().categories.add, draft)


@routes.get("/<categoryId>", access=READ, returns={200: CategoryView}, problems=(NotFound,))
def show_category(path: CategoryPath) -> Response:
    """Show one category."""
    category = services().categories.get(principal().user, path.category_id)
    return shown(CategoryView.of(category), version=category.version)


@routes.patch(
    "/<categoryId>",
    access=WRITE,
    returns={200: CategoryView},
    problems=(NotFound, NameTaken, CardNumberDetected),
    if_match=True,
    idempotency="I",
)
def change_category(path: CategoryPath, body: CategoryChange) -> Response:
    """Change name, group or color."""
    fields = {name: getattr(body, name) for name in body.model_fields_set}
    require_no_card_number({f"/{name}": fields.get(name) for name in ("name", "group")})
    return answer(
        rendered(CategoryView.of),
        services().categories.change,
        path.category_id,
        expected_version(),
        fields,
    )


class Merge(Input):
    """The category that everything is filed under from now on."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"into": "cat_01jdk2v7x8e9rts0a1b2c3d4e5"}}
    )

    into: str


@routes.post(
    "/<categoryId>/merge",
    access=WRITE,
    returns={202: JobView},
    problems=(NotFound, KindMismatch, CategoryArchived, CategoryInUse),
    idempotency="I!",
)
def merge_category(path: CategoryPath, body: Merge) -> Response:
    """Merge a category into another of its kind; rules and recurring items follow.

    The first is archived. The work is done before the answer, so the job of the 202 has succeeded.
    """
    render = rendered(JobView.of, status=202, location="/api/v1/jobs/{id}", versioned=False)
    return answer(render, services().category_merges.merge, path.category_id, body.into)


@routes.delete(
    "/<categoryId>",
    access=WRITE,
    returns={204: None},
    problems=(NotFound, CategoryInUse),
    if_match=True,
    idempotency="I",
)
def delete_category(path: CategoryPath) -> Response:
    """Archive a category: history keeps it, new transactions cannot have it."""
    return answer(empty, services().categories.archive, path.category_id, expected_version())
