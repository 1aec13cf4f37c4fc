"""The user's own audit trail: what they read, export, and prove; what tampering looks like."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from budgetbuddy import telemetry
from budgetbuddy.domain.audit import GENESIS, AuditRow, Event
from budgetbuddy.domain.audit_trail import Anchor, Link, verify
from budgetbuddy.domain.services import Services

from ..conftest import Caller  # noqa: TID252 - fixtures' module

ACCOUNT = {"name": "Giro", "kind": "checking", "currency": "EUR"}


def rows(caller: Caller, query: str = "") -> list[dict[str, Any]]:
    answer = caller("GET", f"/audit/me{query}")
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def test_every_event_has_a_place_that_writes_it() -> None:
    root = Path(telemetry.__file__).parent
    vocabulary = root / "domain" / "audit.py"
    sources = [p.read_text() for p in root.rglob("*.py") if p != vocabulary]

    unused = [e for e in Event if not any(f"Event.{e.name}" in text for text in sources)]
    assert unused == []


# --- Reading -------------------------------------------------------------------------------------


def test_a_user_reads_what_happened_newest_first(signed_in: Caller) -> None:
    signed_in("POST", "/accounts", ACCOUNT, key="k" * 8, User_Agent="my phone")

    newest, *_, oldest = rows(signed_in)
    assert (newest["event"], oldest["event"]) == ("account.created", "auth.registered")
    assert newest["object"].startswith("account:acc_")
    assert (newest["actor"], newest["outcome"]) == ("user", "success")
    assert (newest["ip"], newest["userAgent"]) == ("127.0.0.1", "my phone")
    assert newest["seq"] == oldest["seq"] + len(rows(signed_in)) - 1


def test_pages_hold_every_row_once(signed_in: Caller) -> None:
    for number in range(5):
        signed_in("POST", "/accounts", ACCOUNT, key=f"key-number-{number}")
    seen: list[int] = []
    cursor = ""
    while True:
        answer = signed_in("GET", f"/audit/me?limit=2{cursor}").json
        seen += [row["seq"] for row in answer["items"]]
        if answer["nextCursor"] is None:
            break
        cursor = f"&cursor={answer['nextCursor']}"

    assert seen == list(range(len(seen), 0, -1))


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("?from=2026-06-15&to=2026-06-15", {"auth.registered", "account.created"}),
        ("?from=2026-06-16", set()),
        ("?to=2026-06-14", set()),
        ("?event=account.created", {"account.created"}),
        ("?event=account.created&to=2026-06-14", set()),
    ],
)
def test_days_and_kinds_of_event_select(signed_in: Caller, query: str, events: set[str]) -> None:
    signed_in("POST", "/accounts", ACCOUNT, key="k" * 8)

    assert {row["event"] for row in rows(signed_in, query)} == events


@pytest.mark.parametrize("query", ["?from=yesterday", "?event=nothing", "?start=2026-01-01"])
def test_what_selects_nothing_sensible_is_refused(signed_in: Caller, query: str) -> None:
    assert signed_in("GET", f"/audit/me{query}").status_code == 422


def test_another_user_sees_their_own_rows_only(
    signed_in: Caller, sign_up: Callable[..., Caller]
) -> None:
    signed_in("POST", "/accounts", ACCOUNT, key="k" * 8)

    assert "account.created" not in {row["event"] for row in rows(sign_up())}


def test_an_export_has_every_row_and_begins_with_the_chains_end(signed_in: Caller) -> None:
    signed_in("POST", "/accounts", ACCOUNT, key="k" * 8)
    answer = signed_in("GET", "/audit/me/export")
    first, *lines = [json.loads(line) for line in answer.text.splitlines()]

    assert answer.mimetype == "application/x-ndjson"
    assert [line["seq"] for line in lines] == list(range(1, first["lastSeq"] + 1))
    assert lines[-1]["hash"] == first["lastHash"]
    assert lines[-1]["event"] == "audit.exported"


# --- Proof ---------------------------------------------------------------------------------------


def test_an_untouched_chain_is_valid_and_the_proof_leaves_a_row(signed_in: Caller) -> None:
    known = len(rows(signed_in))
    proof = signed_in("GET", "/audit/me/verify").json

    assert proof == {
        "valid": True,
        "first": 1,
        "last": known,
        "rows": known,
        "firstBrokenSeq": None,
    }
    assert rows(signed_in)[0]["event"] == "audit.verified"
    assert signed_in("GET", "/audit/me/verify").json["valid"]


def stored_rows(wired: Services, caller: Caller) -> tuple[Any, list[dict[str, Any]]]:
    store: Any = wired.audit_trail._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below
    subject = wired.authenticator.authenticate(caller.token).user.subject
    return store, store.audit.query(f"AUD#{subject}")


@pytest.mark.parametrize("attribute", ["ev", "actor", "obj", "out", "at", "prev", "hash"])
def test_a_changed_row_shows(signed_in: Caller, wired: Services, attribute: str) -> None:
    signed_in("POST", "/accounts", ACCOUNT, key="k" * 8)
    store, found = stored_rows(wired, signed_in)
    store.client.update_item(
        TableName=store.audit.name,
        Key={"pk": {"S": found[0]["pk"]}, "sk": {"S": found[0]["sk"]}},
        UpdateExpression="SET #n = :v",
        ExpressionAttributeNames={"#n": attribute},
        ExpressionAttributeValues={":v": {"S": "another"}},
    )

    proof = signed_in("GET", "/audit/me/verify").json
    assert (proof["valid"], proof["firstBrokenSeq"]) == (False, 1)


@pytest.mark.parametrize("missing", [0, 1, -1], ids=["the first", "one between", "the last"])
def test_a_missing_row_shows(signed_in: Caller, wired: Services, missing: int) -> None:
    for number in range(2):
        signed_in("POST", "/accounts", ACCOUNT, key=f"key-number-{number}")
    store, found = stored_rows(wired, signed_in)
    gone = found[missing]
    store.client.delete_item(
        TableName=store.audit.name, Key={"pk": {"S": gone["pk"]}, "sk": {"S": gone["sk"]}}
    )

    proof = signed_in("GET", "/audit/me/verify").json
    assert (proof["valid"], proof["firstBrokenSeq"]) == (False, int(gone["sk"]))


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    previous = GENESIS
    for seq in range(1, length + 1):
        row = AuditRow(
            subject="s",
            seq=seq,
            at="2026-06-15T12:00:00.000Z",
            event="auth.login",
            actor="user",
            object="user:u",
            outcome="success",
            sealed=bytes([seq]),
            prev=previous,
        )
        previous = row.hash()
        links.append(Link(row=row, stored_hash=previous))
    return links


def end(links: list[Link]) -> Anchor:
    return Anchor(seq=links[-1].row.seq, hash=links[-1].stored_hash)


def test_a_chain_forged_from_some_row_on_does_not_meet_its_anchor() -> None:
    links = chain(4)
    forged = links[:2]
    for link in links[2:]:
        row = replace(link.row, actor="nobody", prev=forged[-1].stored_hash)
        forged.append(Link(row=row, stored_hash=row.hash()))

    assert not verify(forged, end(links), may_begin_later=False).is_valid


def test_rows_at_the_end_of_their_retention_are_not_missed() -> None:
    links = chain(5)

    assert verify(links[2:], end(links), may_begin_later=True).is_valid
    assert verify(links[2:], end(links), may_begin_later=False).broken == 1
    assert verify([links[2], links[4]], end(links), may_begin_later=True).broken == 4


def test_rows_written_after_the_anchor_was_read_are_left_for_the_next_time() -> None:
    links = chain(5)

    assert verify(links, end(links[:3]), may_begin_later=False).rows == 3


def test_a_chain_without_rows_is_broken_where_it_should_begin() -> None:
    assert verify([], end(chain(3)), may_begin_later=False).broken == 1
    assert verify([], Anchor(seq=0, hash=GENESIS), may_begin_later=False).is_valid
