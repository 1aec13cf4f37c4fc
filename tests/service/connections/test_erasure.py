"""Erasure: no table holds a trace afterwards, whenever it died and whoever did not answer."""

import itertools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from budgetbuddy.domain.services import Services
from budgetbuddy.settings import Settings
from budgetbuddy.store.profiles import profile_key
from localcloud.doubles.faults import Fault
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import PASSWORD, Caller, ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Linked

ANN = "ann@example.com"
ERASE = {"confirm": "ERASE", "password": PASSWORD}
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
DOWN = Fault(status=500, code="INTERNAL_SERVER_ERROR")
IDENTIFIER = re.compile(r"(?:usr|acc|txn|trf|cat|rul|gol|ctb|imp|job|itm|pat|ses|alr)_[0-9a-z]{26}")


def store_of(wired: Services) -> Any:
    return wired.jobs._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below


@pytest.fixture
def traces(linked: Linked, wired: Services) -> frozenset[str]:
    """A user who used what there is, and everything that could lead to them."""
    ann = linked.caller
    assert linked.sync().status_code == 202
    euros = {"amount": "250.00", "currency": "EUR"}
    made = ann(
        "POST", "/accounts", {"name": "Giro", "kind": "checking", "currency": "EUR"}, key="k" * 8
    )
    category = ann("GET", "/categories").json["items"][0]["id"]
    row = {
        "accountId": made.json["id"],
        "date": "2026-06-01",
        "amount": {"amount": "-12.50", "currency": "EUR"},
        "description": "Flowers for Eve",
        "categoryId": category,
    }
    assert ann("POST", "/transactions", row, key="t" * 8).status_code == 201
    budget = {"limit": euros, "period": "monthly", "rollover": "none"}
    answers = [
        ann("PUT", f"/budgets/{category}", budget, If_None_Match="*"),
        ann("POST", "/goals", {"name": "Bicycle", "target": euros}, key="g" * 8),
        ann("POST", "/tokens", {"name": "script", "scopes": ["accounts:read"], "expiresInDays": 5}),
        ann("POST", "/auth/password/forgot", {"email": ANN}),
        ann("POST", "/auth/login", {"email": ANN, "password": PASSWORD, "deviceName": "Ann's"}),
    ]
    assert [a.status_code for a in answers] == [201, 201, 201, 202, 200], [a.json for a in answers]
    store = store_of(wired)
    user = ann.session["user"]["id"]
    email_hash = store.ledger.get(profile_key(user))["emailHash"]
    ids = {row["sk"].rpartition("#")[2] for row in store.ledger.query(f"U#{user}")}
    found = {name for name in ids if IDENTIFIER.fullmatch(name)}
    assert len(found) > 20
    return frozenset({user, ANN, email_hash, linked.bank.item_id, linked.token, *found})


def require_no_trace(stored: Callable[[], str], traces: frozenset[str]) -> None:
    text = stored()
    assert {trace for trace in traces if trace in text} == set()
    assert IDENTIFIER.findall(text) == []


def erase(caller: Caller) -> str:
    answer = caller("POST", "/privacy/erasure", ERASE)
    assert answer.status_code == 202, answer.json
    receipt: str = answer.json["receipt"]
    assert answer.json["statusUrl"].endswith(receipt)
    return receipt


def status(caller: Caller, receipt: str) -> dict[str, Any]:
    found: dict[str, Any] = Caller(caller.client)("GET", f"/privacy/erasure/{receipt}").json
    return found


def test_nothing_is_left_and_the_bank_knows_no_link(
    linked: Linked, traces: frozenset[str], stored: Callable[[], str], plaid: PlaidDouble
) -> None:
    before = stored()
    assert IDENTIFIER.findall(before)
    assert sum(trace in before for trace in traces) > 20
    receipt = erase(linked.caller)

    require_no_trace(stored, traces)
    assert plaid.banks.items == {}
    told = status(linked.caller, receipt)
    assert told["status"] == "finished"
    assert {step["status"] for step in told["steps"]} == {"done"}
    assert {s["name"]: s["count"] for s in told["steps"]}["banks"] == 1
    assert linked.caller("GET", "/users/me").json["code"] == "session_revoked"
    login = linked.caller("POST", "/auth/login", {"email": ANN, "password": PASSWORD})
    assert (login.status_code, login.json["code"]) == (401, "invalid_credentials")


def test_the_same_address_can_begin_anew(signed_in: Caller, sign_up: Callable[..., Caller]) -> None:
    erase(signed_in)
    again = sign_up(ANN)

    assert again.session["user"]["id"] != signed_in.session["user"]["id"]
    assert again("GET", "/transactions").json["items"] == []


def test_others_keep_everything(signed_in: Caller, sign_up: Callable[..., Caller]) -> None:
    bob = sign_up()
    bob("POST", "/accounts", {"name": "Bob", "kind": "cash", "currency": "EUR"}, key="b" * 8)
    before = [bob("GET", path).json for path in ("/users/me", "/accounts", "/categories")]
    erase(signed_in)

    assert [bob("GET", path).json for path in ("/users/me", "/accounts", "/categories")] == before
    assert bob("GET", "/audit/me/verify").json["valid"]


def test_it_asks_for_the_words_the_password_and_a_fresh_session(
    linked: Linked, clock: ManualClock
) -> None:
    for body, expected in (
        ({**ERASE, "confirm": "yes"}, (422, "validation_failed")),
        ({**ERASE, "password": "another sentence nobody knows"}, (401, "invalid_credentials")),
    ):
        answer = linked.caller("POST", "/privacy/erasure", body)
        assert (answer.status_code, answer.json["code"]) == expected
    clock.advance(seconds=301)
    late = linked.caller("POST", "/privacy/erasure", ERASE)
    assert (late.status_code, late.json["code"]) == (401, "reauthentication_required")
    assert linked.caller("GET", "/users/me").status_code == 200


def test_a_receipt_nobody_was_given_is_not_found(linked: Linked) -> None:
    receipt = erase(linked.caller)

    for wrong in ("nothing", receipt[:-1] + "~", "pending"):
        assert Caller(linked.caller.client)("GET", f"/privacy/erasure/{wrong}").status_code == 404


# --- Whatever fails ------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing catches this."""


@contextmanager
def killed_after(client: Any, writes: int) -> Iterator[None]:
    """The process dies before the write after the given number of them."""
    left = itertools.count(writes, -1)

    def die(**_: Any) -> None:
        if next(left) <= 0:
            raise Killed

    for operation in WRITES:
        client.meta.events.register(f"before-call.dynamodb.{operation}", die, unique_id=operation)
    try:
        yield
    finally:
        for operation in WRITES:
            client.meta.events.unregister(f"before-call.dynamodb.{operation}", unique_id=operation)


def test_a_run_that_dies_at_every_write_leaves_no_trace_in_the_end(  # noqa: PLR0913, PLR0917 - fixtures
    linked: Linked,
    wired: Services,
    traces: frozenset[str],
    stored: Callable[[], str],
    clock: ManualClock,
    plaid: PlaidDouble,
) -> None:
    client = store_of(wired).client
    plaid.fail("/item/remove", DOWN, times=9)
    receipt = erase(linked.caller)  # stands still at the bank
    plaid.faults.clear()
    deaths = 0
    for writes in itertools.islice(itertools.cycle((1, 2, 3)), 60):
        if status(linked.caller, receipt)["status"] == "finished":
            break
        clock.advance(seconds=121)  # of the lease that a dead run still holds
        with killed_after(client, writes):
            try:
                wired.erasures.sweep()
            except Killed:
                deaths += 1

    assert status(linked.caller, receipt)["status"] == "finished"
    assert deaths > 12
    require_no_trace(stored, traces)
    assert plaid.banks.items == {}
    store = store_of(wired)
    assert [row["ev"] for row in store.audit.query("AUD#~erasure")] == ["privacy.erased"]


def test_a_silent_provider_delays_the_shredding_by_three_days_at_most(
    linked: Linked, wired: Services, clock: ManualClock, plaid: PlaidDouble, settings: Settings
) -> None:
    assert settings.plaid_client_id
    plaid.fail("/item/remove", DOWN, times=99)
    receipt = erase(linked.caller)
    key = store_of(wired).runtime
    user = f"U#{linked.caller.session['user']['id']}"
    assert status(linked.caller, receipt)["status"] == "running"
    assert any(row["sk"] == "KEY" for row in key.query(user))

    clock.advance(hours=71)
    assert wired.erasures.sweep() == 0
    assert status(linked.caller, receipt)["status"] == "running"
    clock.advance(hours=2)
    assert wired.erasures.sweep() == 1

    told = status(linked.caller, receipt)
    assert told["status"] == "finished"
    assert {s["name"]: s["status"] for s in told["steps"]}["banks"] == "given_up"
    assert key.query(user) == []
    assert wired.erasures.sweep() == 0


def test_the_chain_of_the_erased_is_still_provable_by_what_the_chain_of_erasures_keeps(
    linked: Linked, wired: Services, sign_up: Callable[..., Caller]
) -> None:
    store = store_of(wired)
    profile = store.ledger.get(profile_key(linked.caller.session["user"]["id"]))
    erase(linked.caller)
    bob = sign_up()
    bob("POST", "/privacy/erasure", ERASE)

    first, second = store.audit.query("AUD#~erasure")
    assert second["prev"] == first["hash"]
    kept = bytes(first["x"]).decode()
    last = store.audit.query(f"AUD#{profile['subject']}")[-1]
    assert first["obj"] == f"subject:{profile['subject']}"
    assert f"seq={int(last['sk'])};hash={last['hash']};" in kept
    assert last["ev"] == "privacy.erasure_requested"
