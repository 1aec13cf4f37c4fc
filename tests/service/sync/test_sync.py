"""Delta sync: a client that follows it holds exactly what the service does."""

from collections.abc import Callable
from typing import Any

import pytest

from ..conftest import Caller, ManualClock  # noqa: TID252 - fixtures' module

EUR = "EUR"
Held = dict[tuple[str, str], dict[str, Any]]


class Client:
    """An app that keeps what sync tells it."""

    def __init__(self, caller: Caller, limit: int) -> None:
        self._caller = caller
        self._limit = limit
        self.token = ""
        self.held: Held = {}
        self.told: list[dict[str, Any]] = []

    def sync(self) -> list[dict[str, Any]]:
        """Ask until there is no more; what this time told."""
        self.told = []
        more = True
        while more:
            since = f"&since={self.token}" if self.token else ""
            answer = self._caller("GET", f"/sync?limit={self._limit}{since}")
            assert answer.status_code == 200, answer.json
            for change in answer.json["changes"]:
                self._apply(change)
            self.token, more = answer.json["next"], answer.json["hasMore"]
        return self.told

    def _apply(self, change: dict[str, Any]) -> None:
        self.told.append(change)
        place = (change["type"], change["id"])
        if change["op"] == "delete":
            assert change["data"] is None
            self.held.pop(place, None)
        else:
            self.held[place] = change["data"]


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": EUR}


def made(answer: Any) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.json
    found: dict[str, Any] = answer.json
    return found


def account(caller: Caller, name: str) -> dict[str, Any]:
    body = {"name": name, "kind": "checking", "currency": EUR}
    return made(caller("POST", "/accounts", body, key=f"account-{name}"))


def transaction(caller: Caller, account_id: str, key: str) -> dict[str, Any]:
    body = {
        "accountId": account_id,
        "date": "2026-06-01",
        "amount": money("-12.50"),
        "description": f"Groceries {key}",
    }
    return made(caller("POST", "/transactions", body, key=f"transaction-{key}"))


def one_of_each(caller: Caller) -> dict[str, dict[str, Any]]:
    """Something of every type that is synced, beside profile and categories."""
    first, second = account(caller, "Giro"), account(caller, "Savings")
    category = caller("GET", "/categories").json["items"][0]["id"]
    transfer = {
        "fromAccountId": first["id"],
        "toAccountId": second["id"],
        "amount": money("5.00"),
        "date": "2026-06-02",
        "description": "Aside",
    }
    budget = {"limit": money("250.00"), "period": "monthly", "rollover": "none"}
    return {
        "account": first,
        "transaction": transaction(caller, first["id"], "one"),
        "transfer": made(caller("POST", "/transfers", transfer, key="transfer-one")),
        "budget": made(caller("PUT", f"/budgets/{category}", budget, If_None_Match="*")),
        "goal": made(
            caller("POST", "/goals", {"name": "Bicycle", "target": money("9.00")}, key="goal-one")
        ),
    }


def shown(caller: Caller) -> Held:
    """Everything as the routes show it."""
    held: Held = {("profile", caller.session["user"]["id"]): caller("GET", "/users/me").json}
    for kind, path, name in (
        ("account", "/accounts", "id"),
        ("transaction", "/transactions?limit=100", "id"),
        ("category", "/categories?includeArchived=true", "id"),
        ("budget", "/budgets", "categoryId"),
        ("goal", "/goals", "id"),
        ("rule", "/rules", "id"),
        ("recurring", "/recurring", "id"),
    ):
        answer = caller("GET", path)
        assert answer.status_code == 200, answer.json
        held |= {(kind, item[name]): item for item in answer.json["items"]}
    for row in [r for (kind, _), r in held.items() if kind == "transaction"]:
        if row["transferId"]:
            place = ("transfer", row["transferId"])
            held = {**held, place: caller("GET", f"/transfers/{row['transferId']}").json}
    return held


@pytest.mark.parametrize("limit", [3, 500])
def test_a_client_that_follows_holds_what_the_service_does(signed_in: Caller, limit: int) -> None:
    client = Client(signed_in, limit)
    client.sync()
    assert client.held == shown(signed_in)

    existing = one_of_each(signed_in)
    assert {change["type"] for change in client.sync()} >= set(existing)
    assert client.held == shown(signed_in)

    for kind, path in (
        ("transaction", "/transactions/{id}"),
        ("transfer", "/transfers/{id}"),
        ("budget", "/budgets/{categoryId}"),
        ("goal", "/goals/{id}"),
    ):
        place = path.format(**existing[kind])
        version = signed_in("GET", place).headers["ETag"]
        assert signed_in("DELETE", place, If_Match=version).status_code == 204
    told = client.sync()
    gone = {change["type"] for change in told if change["op"] == "delete"}
    assert gone == {"transaction", "transfer", "budget", "goal"}
    assert client.held == shown(signed_in)
    assert client.sync() == []


def test_a_client_that_begins_now_is_told_nothing_of_what_is_gone(signed_in: Caller) -> None:
    goal = one_of_each(signed_in)["goal"]
    signed_in("DELETE", f"/goals/{goal['id']}", If_Match=f'"{goal["version"]}"')
    client = Client(signed_in, 500)

    assert all(change["op"] == "upsert" for change in client.sync())
    assert client.held == shown(signed_in)


def test_what_changes_during_the_snapshot_is_not_missed(signed_in: Caller) -> None:
    first = account(signed_in, "Giro")
    answer = signed_in("GET", "/sync?limit=2").json
    assert answer["hasMore"]
    client = Client(signed_in, 500)
    client.token = answer["next"]
    client.held = {(c["type"], c["id"]): c["data"] for c in answer["changes"]}
    transaction(signed_in, first["id"], "meanwhile")
    client.sync()
    client.sync()

    assert client.held == shown(signed_in)


def test_one_entity_comes_once_however_often_it_changed(signed_in: Caller) -> None:
    client = Client(signed_in, 500)
    client.sync()
    first = account(signed_in, "Giro")
    for version in (1, 2, 3):
        body = {"name": f"Giro {version}"}
        made(signed_in("PATCH", f"/accounts/{first['id']}", body, If_Match=f'"{version}"'))

    (change,) = client.sync()
    assert (change["data"]["name"], change["version"]) == ("Giro 3", 4)


def test_a_token_is_good_for_ninety_days(
    signed_in: Caller, clock: ManualClock, sign_up: Callable[..., Caller]
) -> None:
    token = signed_in("GET", "/sync?limit=500").json["next"]
    clock.advance(days=90, seconds=1)
    later = sign_up()
    answer = later("GET", f"/sync?since={token}")

    assert (answer.status_code, answer.json["code"]) == (410, "sync_token_expired")


@pytest.mark.parametrize("token", ["x", "AAAA", "YS5iLmM", "OTk5OTk5OTk5OTk5OTk5OTkuMS4"])
def test_a_token_that_is_none_is_refused(signed_in: Caller, token: str) -> None:
    answer = signed_in("GET", f"/sync?since={token}")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_sync_token")


def test_the_token_of_another_leads_into_ones_own_rows_only(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    account(signed_in, "Giro")
    token = signed_in("GET", "/sync?limit=2").json["next"]
    bob = sign_up()
    mine = {bob.session["user"]["id"], *(c["id"] for c in bob("GET", "/categories").json["items"])}

    assert {c["id"] for c in bob("GET", f"/sync?since={token}&limit=500").json["changes"]} <= mine
