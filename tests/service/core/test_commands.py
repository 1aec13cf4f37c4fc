"""One transaction per command: all of it or nothing, in order, with an unbroken audit chain."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ports import AuditEntry, Change, Claim, Context, Reply
from budgetbuddy.problems import (
    IdempotencyInProgress,
    IdempotencyKeyReused,
    NotFound,
    SessionRevoked,
    Unavailable,
    VersionConflict,
)
from budgetbuddy.store.commands import ATTEMPTS, Commands, Head, Plan, head_key
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.sealing import open_fields
from budgetbuddy.store.writes import Key, delete, put, update

from .conftest import Machinery

ENTRY = AuditEntry(event=Event.USER_UPDATED, object="user:1", details={"field": "name"})


def counter_key(context: Context) -> Key:
    return Key(pk=f"U#{context.user.id}", sk="COUNTER")


def add_one(machinery: Machinery, context: Context) -> Callable[[Head], Plan[int]]:
    """A command that reads a number and writes the next, which only isolation keeps right."""

    def plan(head: Head) -> Plan[int]:
        row = machinery.store.ledger.get(counter_key(context))
        number = (row["value"] if row else 0) + 1
        key = counter_key(context)
        return Plan(
            writes=(
                put(machinery.store.ledger.name, {"pk": key.pk, "sk": key.sk, "value": number}),
            ),
            changes=(Change(type="counter", id="1", op="upsert", version=head.seq),),
            audit=ENTRY,
            result=number,
        )

    return plan


def value(machinery: Machinery, context: Context) -> int:
    row = machinery.store.ledger.get(counter_key(context))
    return int(row["value"]) if row else 0


def test_a_command_leaves_its_rows_a_change_and_an_audit_row(machinery: Machinery) -> None:
    context = machinery.new_user()
    assert machinery.commands.run(context, add_one(machinery, context)) == 1
    assert machinery.commands.run(context, add_one(machinery, context)) == 2

    assert machinery.head(context)["seq"] == 2
    feed = machinery.changes(context)
    assert [row["sk"] for row in feed] == [f"{n:020d}" for n in (1, 2)]
    assert feed[0]["changes"] == [["counter", "1", "upsert", 0]]
    machinery.require_chain(context)


def test_an_audit_row_names_no_person_and_seals_the_rest(machinery: Machinery) -> None:
    context = machinery.new_user()
    machinery.commands.run(context, add_one(machinery, context))
    (row,) = machinery.audit(context)

    assert context.user.id not in str(row)
    assert "192.0.2.1" not in str(row)
    place = machinery.store.audit.place(Key(pk=row["pk"], sk=row["sk"]))
    personal = open_fields(machinery.envelope, context.user, place, row["x"])
    assert personal == {
        "object": ENTRY.object,
        "ip": "192.0.2.1",
        "userAgent": "tests",
        "details": {"field": "name"},
    }
    assert row["obj"] == ENTRY.object.partition(":")[0]


def test_a_changed_audit_row_breaks_the_chain(machinery: Machinery) -> None:
    context = machinery.new_user()
    for _ in range(3):
        machinery.commands.run(context, add_one(machinery, context))
    key = Key(pk=f"AUD#{context.user.subject}", sk=f"{2:012d}")
    machinery.store.write(update(machinery.store.audit.name, key, set_={"out": "denied"}))

    with pytest.raises(AssertionError):
        machinery.require_chain(context)


@pytest.mark.parametrize("exists", [True, False])
def test_a_refused_write_undoes_the_whole_command(machinery: Machinery, exists: bool) -> None:  # noqa: FBT001 - a case
    context = machinery.new_user()
    target = Key(pk=f"U#{context.user.id}", sk="TARGET")
    if exists:
        machinery.store.write(
            put(machinery.store.ledger.name, {"pk": target.pk, "sk": target.sk, "version": 5})
        )

    def plan(head: Head) -> Plan[int]:
        stale = update(
            machinery.store.ledger.name,
            target,
            set_={"version": 9},
            when=(Exists("pk"), Equals("version", 4)),
        )
        planned = add_one(machinery, context)(head)
        return replace(planned, writes=(*planned.writes, stale))

    with pytest.raises(VersionConflict if exists else NotFound) as caught:
        machinery.commands.run(context, plan)

    if exists:
        assert caught.value.headers["ETag"] == '"5"'
    assert value(machinery, context) == 0
    assert machinery.head(context)["seq"] == 0
    assert machinery.audit(context) == []
    assert machinery.changes(context) == []


def test_a_command_that_lost_the_race_for_the_head_plans_again(machinery: Machinery) -> None:
    context = machinery.new_user()
    rival = Commands(machinery.store, machinery.envelope)
    seen: list[int] = []

    def plan(head: Head) -> Plan[int]:
        seen.append(head.seq)
        planned = add_one(machinery, context)(head)
        if len(seen) == 1:
            rival.run(context, add_one(machinery, context))
        return planned

    assert machinery.commands.run(context, plan) == 2
    assert seen == [0, 1]
    assert value(machinery, context) == 2
    machinery.require_chain(context)


def test_endless_conflicts_end_in_503_with_nothing_written(machinery: Machinery) -> None:
    context = machinery.new_user()
    rival = Commands(machinery.store, machinery.envelope)
    pauses: list[float] = []
    patient = Commands(
        machinery.store, machinery.envelope, pause=pauses.append, monotonic=lambda: 0.0
    )

    def plan(head: Head) -> Plan[int]:
        planned = add_one(machinery, context)(head)
        rival.run(context, lambda _: Plan(audit=ENTRY, result=None))
        return planned

    with pytest.raises(Unavailable) as caught:
        patient.run(context, plan)

    assert caught.value.headers["Retry-After"] == "1"
    assert len(pauses) == ATTEMPTS - 1
    assert all(0.010 <= pause <= 0.200 for pause in pauses)
    assert value(machinery, context) == 0


def test_a_user_without_a_head_is_gone(machinery: Machinery) -> None:
    context = machinery.new_user()
    machinery.store.write(delete(machinery.store.ledger.name, head_key(context.user.id)))

    with pytest.raises(SessionRevoked):
        machinery.commands.run(context, add_one(machinery, context))


def _answer(code: str) -> Any:
    """What DynamoDB sends instead of doing the work."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "x"})

    class Raw:
        def stream(self, *_: Any, **__: Any) -> list[bytes]:
            return [body.encode()]

    return lambda **_: AWSResponse("https://dynamodb", 400, HTTPHeaders(), Raw())


@pytest.mark.parametrize("code", ["ThrottlingException", "ProvisionedThroughputExceededException"])
def test_a_throttled_store_is_unavailable_and_counted(
    moto_machinery: Machinery, code: str, records: Any
) -> None:
    context = moto_machinery.new_user()
    events = moto_machinery.store.client.meta.events
    events.register_first("before-send.dynamodb.GetItem", _answer(code))

    with pytest.raises(Unavailable):
        moto_machinery.commands.run(context, add_one(moto_machinery, context))
    (metric,) = [line for line in records() if "StoreThrottled" in line]
    assert metric["Table"] == "Ledger"


# --- Idempotency ---------------------------------------------------------------------------------

KEY = {"key": "k" * 64, "owner": "first-request"}


def claimed(machinery: Machinery, context: Context, **changes: str) -> Claim | Reply:
    fields = {**KEY, "fingerprint": "f", **changes}
    return machinery.idempotency.claim(context.user, **fields)


def rendering(context: Context, claim: Claim | Reply) -> Context:
    assert isinstance(claim, Claim)
    return replace(
        context,
        claim=claim,
        render=lambda number: Reply(status=201, headers={"ETag": '"1"'}, body=str(number).encode()),
    )


def test_a_completed_key_replays_the_committed_answer(machinery: Machinery) -> None:
    context = machinery.new_user()
    acting = rendering(context, claimed(machinery, context))
    machinery.commands.run(acting, add_one(machinery, context))

    again = claimed(machinery, context, owner="second-request")
    assert again == Reply(status=201, headers={"ETag": '"1"'}, body=b"1")
    assert value(machinery, context) == 1


def test_a_running_key_is_in_progress_and_another_request_is_a_reuse(machinery: Machinery) -> None:
    context = machinery.new_user()
    claimed(machinery, context)

    with pytest.raises(IdempotencyInProgress) as caught:
        claimed(machinery, context, owner="second-request")
    assert caught.value.headers["Retry-After"] == "2"
    with pytest.raises(IdempotencyKeyReused):
        claimed(machinery, context, owner="second-request", fingerprint="another")


def test_keys_of_two_users_are_two_keys(machinery: Machinery) -> None:
    ann, bob = machinery.new_user(), machinery.new_user()
    claimed(machinery, ann)

    assert isinstance(claimed(machinery, bob), Claim)


def test_a_released_key_can_be_claimed_again(machinery: Machinery) -> None:
    context = machinery.new_user()
    claim = claimed(machinery, context)
    assert isinstance(claim, Claim)
    machinery.idempotency.release(context.user, claim)

    assert isinstance(claimed(machinery, context, fingerprint="another"), Claim)


def test_a_completed_key_is_not_released(machinery: Machinery) -> None:
    context = machinery.new_user()
    claim = claimed(machinery, context)
    machinery.commands.run(rendering(context, claim), add_one(machinery, context))
    assert isinstance(claim, Claim)
    machinery.idempotency.release(context.user, claim)

    assert isinstance(claimed(machinery, context), Reply)


def test_an_owner_whose_lease_was_taken_over_writes_nothing(machinery: Machinery) -> None:
    context = machinery.new_user()
    slow = rendering(context, claimed(machinery, context))
    machinery.clock.advance(seconds=61)
    fast = rendering(context, claimed(machinery, context, owner="second-request"))
    machinery.commands.run(fast, add_one(machinery, context))

    with pytest.raises(IdempotencyInProgress):
        machinery.commands.run(slow, add_one(machinery, context))
    assert value(machinery, context) == 1


def test_a_lapsed_key_cannot_be_taken_over_by_another_request(machinery: Machinery) -> None:
    context = machinery.new_user()
    claimed(machinery, context)
    machinery.clock.advance(seconds=61)

    with pytest.raises(IdempotencyKeyReused):
        claimed(machinery, context, owner="second-request", fingerprint="another")


def test_a_key_is_forgotten_after_a_day(machinery: Machinery) -> None:
    context = machinery.new_user()
    machinery.commands.run(
        rendering(context, claimed(machinery, context)), add_one(machinery, context)
    )
    machinery.clock.advance(hours=24)

    assert isinstance(claimed(machinery, context, fingerprint="another"), Claim)


# --- Races, on transactions that are isolated ----------------------------------------------------


@pytest.mark.emulator
def test_parallel_commands_of_one_user_lose_and_double_nothing(
    emulator_machinery: Machinery,
) -> None:
    machinery, context = emulator_machinery, emulator_machinery.new_user()
    processes = [Commands(machinery.store, machinery.envelope) for _ in range(4)]

    def work(number: int) -> bool:
        try:
            processes[number % 4].run(context, add_one(machinery, context))
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        acknowledged = sum(pool.map(work, range(80)))

    assert acknowledged >= 60
    assert value(machinery, context) == acknowledged
    assert machinery.head(context)["seq"] == acknowledged
    assert len(machinery.changes(context)) == acknowledged
    machinery.require_chain(context)


@pytest.mark.emulator
def test_of_parallel_requests_with_one_key_exactly_one_works(
    emulator_machinery: Machinery,
) -> None:
    machinery, context = emulator_machinery, emulator_machinery.new_user()

    def request(number: int) -> str:
        try:
            found = claimed(machinery, context, owner=f"request-{number}")
        except IdempotencyInProgress:
            return "in progress"
        if isinstance(found, Reply):
            return "replayed"
        machinery.commands.run(rendering(context, found), add_one(machinery, context))
        return "worked"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(request, range(40)))

    assert outcomes.count("worked") == 1
    assert value(machinery, context) == 1
    assert claimed(machinery, context) == Reply(status=201, headers={"ETag": '"1"'}, body=b"1")


@pytest.mark.emulator
def test_an_answer_lost_on_the_way_is_not_applied_twice(emulator_machinery: Machinery) -> None:
    machinery, context = emulator_machinery, emulator_machinery.new_user()
    lost: list[str] = []

    def lose_once(**_: Any) -> float | None:
        if not lost:
            lost.append("answer")
            return 0.0  # botocore sends the same request, with the same token, again
        return None

    events: Any = machinery.store.client.meta.events
    events.register_first("needs-retry.dynamodb.TransactWriteItems", lose_once)
    machinery.commands.run(context, add_one(machinery, context))

    assert lost
    assert value(machinery, context) == 1
    machinery.require_chain(context)


def test_put_never_overwrites_when_told_so(machinery: Machinery) -> None:
    row = {"pk": "A", "sk": "B", "version": 3}
    machinery.store.write(put(machinery.store.ledger.name, row, when=(Absent("pk"),)))

    with pytest.raises(VersionConflict):
        machinery.store.write(put(machinery.store.ledger.name, row, when=(Absent("pk"),)))
