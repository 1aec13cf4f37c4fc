"""All chains, recomputed by order of an officer: whatever was done to one of them shows."""

from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy.domain.access import Role
from budgetbuddy.domain.audit import RETENTION_SECONDS
from budgetbuddy.domain.messages import Message, MessageKind
from budgetbuddy.domain.services import Services
from budgetbuddy.domain.verification import ERASED, SHARDS
from budgetbuddy.store.profiles import profile_key

from ..conftest import PASSWORD, Caller  # noqa: TID252 - fixtures' module

Rows = list[dict[str, Any]]


def store_of(wired: Services) -> Any:
    return wired.jobs._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below


@pytest.fixture
def officer(sign_up_as: Callable[[Role], Caller]) -> Caller:
    return sign_up_as(Role.COMPLIANCE)


def verified(officer: Caller, **order: int) -> dict[str, Any]:
    """The result of a verification that has ended: without a queue it is done at once."""
    asked = officer("POST", "/audit/verify", order)
    assert asked.status_code == 202, asked.json
    job = officer("GET", f"/jobs/{asked.json['id']}").json
    assert (job["status"], job["progress"]) == ("succeeded", {"done": 17, "total": 17})
    result: dict[str, Any] = job["result"]
    return result


def rows_of(wired: Services, caller: Caller) -> tuple[str, Rows]:
    store = store_of(wired)
    subject = store.ledger.get(profile_key(caller.session["user"]["id"]))["subject"]
    client, table = store.client, store.audit.name
    found = client.query(
        TableName=table,
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": f"AUD#{subject}"}},
    )
    return subject, found["Items"]


def put(wired: Services, row: dict[str, Any]) -> None:
    store_of(wired).client.put_item(TableName=store_of(wired).audit.name, Item=row)


def delete(wired: Services, row: dict[str, Any]) -> None:
    key = {"pk": row["pk"], "sk": row["sk"]}
    store_of(wired).client.delete_item(TableName=store_of(wired).audit.name, Key=key)


def change(wired: Services, rows: Rows) -> int:
    put(wired, {**rows[1], "out": {"S": "failure"}})
    return 2


def remove(wired: Services, rows: Rows) -> int:
    delete(wired, rows[1])
    return 2


def reorder(wired: Services, rows: Rows) -> int:
    first, second = rows[1], rows[2]
    put(wired, {**second, "sk": first["sk"]})
    put(wired, {**first, "sk": second["sk"]})
    return 2


def truncate(wired: Services, rows: Rows) -> int:
    delete(wired, rows[-1])
    return len(rows)


def behead(wired: Services, rows: Rows) -> int:
    delete(wired, rows[0])
    return 1


def test_nothing_is_broken_while_nobody_meddles(
    officer: Caller, signed_in: Caller, wired: Services, trail: Callable[[Caller], list[str]]
) -> None:
    signed_in("PATCH", "/users/me", {"displayName": "Anna"}, If_Match='"1"')
    result = verified(officer)

    assert (result["chains"], result["broken"], result["named"]) == (2, 0, [])
    assert result["rows"] >= len(rows_of(wired, signed_in)[1])
    assert (result["privileged"], result["with_second_factor"]) == (1, 1)
    assert "audit.verified" in trail(officer)
    assert "audit.verified" not in trail(signed_in)


@pytest.mark.parametrize("meddle", [change, remove, reorder, truncate, behead])
def test_what_was_done_to_a_chain_is_found_and_where(
    officer: Caller,
    signed_in: Caller,
    wired: Services,
    records: Callable[[], list[dict[str, Any]]],
    meddle: Callable[[Services, Rows], int],
) -> None:
    for version in (1, 2, 3):
        change_ = {"displayName": f"Ann {version}"}
        signed_in("PATCH", "/users/me", change_, If_Match=f'"{version}"')
    subject, rows = rows_of(wired, signed_in)
    at = meddle(wired, rows)
    result = verified(officer)

    assert (result["broken"], result["named"]) == (1, [[subject, at]])
    counted = [line["AuditChainBroken"] for line in records() if "AuditChainBroken" in line]
    assert (len(counted), sum(counted)) == (17, 1)
    own = signed_in("GET", "/audit/me/verify").json
    assert (own["valid"], own["firstBrokenSeq"]) == (False, at)


def test_the_erased_are_still_verified_and_so_is_the_chain_of_erasures(
    officer: Caller, sign_up: Callable[..., Caller], wired: Services
) -> None:
    gone = sign_up()
    _, rows = rows_of(wired, gone)
    assert rows
    gone("POST", "/privacy/erasure", {"confirm": "ERASE", "password": PASSWORD})
    whole = verified(officer)
    assert (whole["chains"], whole["broken"]) == (3, 0)

    put(wired, {**rows[0], "actor": {"S": "system"}})
    result = verified(officer)
    assert (result["broken"], result["named"][0][0]) == (1, rows[0]["pk"]["S"].removeprefix("AUD#"))


def test_a_part_that_is_told_twice_is_counted_once(officer: Caller, wired: Services) -> None:
    asked = officer("POST", "/audit/verify", {}).json
    before = officer("GET", f"/jobs/{asked['id']}").json
    user = officer.session["user"]["id"]
    subject = store_of(wired).ledger.get(profile_key(user))["subject"]
    for part in (0, 3, ERASED):
        data = {"user": user, "subject": subject, "job": asked["id"], "part": part}
        wired.queue.send(Message(kind=MessageKind.AUDIT_VERIFICATION, data=data))

    assert officer("GET", f"/jobs/{asked['id']}").json == before
    assert ERASED == SHARDS


def test_a_sample_takes_no_more_of_a_part_than_asked(
    officer: Caller, sign_up: Callable[..., Caller]
) -> None:
    for _ in range(3):
        sign_up()

    assert 1 <= verified(officer, sample=1)["chains"] <= verified(officer)["chains"] == 4


def test_it_is_for_officers_only(signed_in: Caller, sign_up_as: Callable[[Role], Caller]) -> None:
    assert signed_in("POST", "/audit/verify", {}).status_code == 404
    assert sign_up_as(Role.ADMIN)("POST", "/audit/verify", {"sample": 1}).status_code == 202


def test_rows_are_kept_for_seven_years(signed_in: Caller, wired: Services) -> None:
    _, rows = rows_of(wired, signed_in)
    now = int(wired.clock().timestamp())

    assert {int(row["ttl"]["N"]) - now for row in rows} == {RETENTION_SECONDS}
    assert RETENTION_SECONDS >= 7 * 365 * 86_400


def test_the_worker_verifies_everything_once_a_week(
    signed_in: Caller, wired: Services, clock: Any
) -> None:
    assert wired.verification.sweep() == 0
    found = wired.verification.chains.found()
    assert found is not None
    assert (found["chains"], found["sample"]) == (1, None)
    _, rows = rows_of(wired, signed_in)
    put(wired, {**rows[0], "out": {"S": "failure"}})
    clock.advance(days=6)
    assert wired.verification.sweep() == 0
    clock.advance(days=1)
    assert wired.verification.sweep() == 1
    assert wired.verification.sweep() == 0
    assert not wired.verification.chains.hold(60)
