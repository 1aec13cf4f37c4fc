"""Jobs: what was answered with 202 is listed for 30 days, to its own user only."""

from collections.abc import Callable
from typing import Any

from .conftest import Api

SPAN = {"from": "2026-06-01", "to": "2026-06-30"}


def started(api: Api) -> str:
    """The id of a new job."""
    answer = api("POST", "/rules/apply", SPAN)
    assert answer.status_code == 202, answer.text
    document: dict[str, Any] = answer.json or {}
    return str(document["id"])


def page(api: Api, query: str = "") -> dict[str, Any]:
    answer = api("GET", f"/jobs{query}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json or {}
    return document


def test_jobs_are_listed_in_pages_newest_first(api: Api) -> None:
    ids = [started(api) for _ in range(3)]

    first = page(api, "?limit=2")
    second = page(api, f"?limit=2&cursor={first['nextCursor']}")

    assert [job["id"] for job in first["items"] + second["items"]] == ids[::-1]
    assert first["items"][0] == api("GET", f"/jobs/{ids[-1]}").json


def test_each_user_sees_their_own_jobs_only(api: Api, new_user: Callable[[], Api]) -> None:
    mine, other = started(api), new_user()

    assert page(other) == {"items": [], "nextCursor": None}
    assert other("GET", f"/jobs/{mine}").status_code == 404
