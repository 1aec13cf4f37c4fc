"""Reading: pages, ranges, lapsed rows and batches, alike on both emulators."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ConnectTimeoutError

from budgetbuddy.problems import RateLimited, TooManyAttempts, Unavailable
from budgetbuddy.security.ratelimit import WindowLimits
from budgetbuddy.security.tokens import KeyedLookups
from budgetbuddy.store.expressions import Equals
from budgetbuddy.store.runtime import CounterRows, TableHealth
from budgetbuddy.store.table import BY_DATE
from budgetbuddy.store.writes import Key, put

from .conftest import Machinery


def fill(machinery: Machinery, count: int) -> None:
    for number in range(count):
        row = {
            "pk": "U#1",
            "sk": f"T#{number:03d}",
            "d": f"2026-01-{31 - number:02d}",
            "odd": number % 2,
        }
        machinery.store.write(put(machinery.store.ledger.name, row))


def test_pages_are_newest_first_and_meet_without_gap(machinery: Machinery) -> None:
    fill(machinery, 7)
    first = machinery.store.ledger.page("U#1", limit=3, begins_with="T#")
    second = machinery.store.ledger.page("U#1", limit=3, begins_with="T#", start=first.next)
    third = machinery.store.ledger.page("U#1", limit=3, begins_with="T#", start=second.next)

    keys = [row["sk"] for page in (first, second, third) for row in page.items]
    assert keys == [f"T#{number:03d}" for number in reversed(range(7))]
    assert third.next is None
    assert "pk" not in (first.next or {})


def test_an_index_orders_by_its_own_key(machinery: Machinery) -> None:
    fill(machinery, 5)
    page = machinery.store.ledger.page(
        "U#1", limit=10, index=BY_DATE, between=("2026-01-28", "2026-01-30")
    )

    assert [row["d"] for row in page.items] == ["2026-01-30", "2026-01-29", "2026-01-28"]


def test_a_filtered_page_may_be_short_and_still_go_on(machinery: Machinery) -> None:
    fill(machinery, 6)
    page = machinery.store.ledger.page("U#1", limit=4, begins_with="T#", where=(Equals("odd", 1),))

    assert len(page.items) == 2
    assert page.next is not None


def test_a_query_reads_every_page(machinery: Machinery) -> None:
    fill(machinery, 9)

    assert len(machinery.store.ledger.query("U#1", page_size=2, begins_with="T#")) == 9
    after = machinery.store.ledger.query("U#1", after="T#006")
    assert [row["sk"] for row in after] == ["T#007", "T#008"]


def test_a_lapsed_row_is_gone_though_dynamodb_still_has_it(machinery: Machinery) -> None:
    until = int(machinery.clock().timestamp()) + 60
    key = Key(pk="U#1", sk="X")
    row = {"pk": key.pk, "sk": key.sk, "ttl": until}
    machinery.store.write(put(machinery.store.runtime.name, row))
    assert machinery.store.runtime.get(key) is not None
    machinery.clock.advance(seconds=60)

    assert machinery.store.runtime.get(key) is None
    assert machinery.store.runtime.query("U#1") == []
    assert machinery.store.batch_get([(machinery.store.runtime, key)]) == [None]


def test_a_batch_keeps_the_order_and_marks_what_is_missing(machinery: Machinery) -> None:
    fill(machinery, 3)
    wanted = [Key(pk="U#1", sk=f"T#{n:03d}") for n in (2, 9, 0)]
    rows = machinery.store.batch_get([(machinery.store.ledger, key) for key in wanted])

    assert [row and row["sk"] for row in rows] == ["T#002", None, "T#000"]


def test_a_batch_beyond_its_limit_is_refused(machinery: Machinery) -> None:
    keys = [(machinery.store.ledger, Key(pk="U#1", sk=str(n))) for n in range(101)]

    with pytest.raises(ValueError, match="100 keys"):
        machinery.store.batch_get(keys)


def test_health_remembers_its_answer_for_five_seconds(moto_machinery: Machinery) -> None:
    now = [0.0]
    health = TableHealth(moto_machinery.store, monotonic=lambda: now[0])
    assert health.checks() == {"ledger": True, "runtime": True}
    moto_machinery.store.client.delete_table(TableName=moto_machinery.store.ledger.name)
    assert health.checks()["ledger"] is True
    now[0] = 5.0

    assert health.checks() == {"ledger": False, "runtime": True}


# --- Rate limits ---------------------------------------------------------------------------------


def limits(machinery: Machinery) -> WindowLimits:
    return WindowLimits(CounterRows(machinery.store), KeyedLookups(b"l" * 32), machinery.clock)


def test_a_shared_limit_holds_across_processes(machinery: Machinery) -> None:
    one, other = limits(machinery), limits(machinery)
    left = [process.take("login", "ann").remaining for process in (one, other) * 5]

    assert left == list(reversed(range(10)))
    with pytest.raises(RateLimited):
        one.take("login", "ann")
    assert other.take("login", "bob").remaining == 9


def test_a_window_starts_again(machinery: Machinery) -> None:
    limiter = limits(machinery)
    for _ in range(10):
        limiter.take("login", "ann")
    machinery.clock.advance(seconds=60)

    assert limiter.take("login", "ann").remaining == 9


def test_looking_does_not_count(machinery: Machinery) -> None:
    limiter = limits(machinery)
    for _ in range(30):
        limiter.require_below("login-account", "ann")
    for _ in range(20):
        limiter.take("login-account", "ann")

    with pytest.raises(TooManyAttempts):
        limiter.require_below("login-account", "ann")


def test_keys_of_limits_are_not_stored_in_clear(moto_machinery: Machinery) -> None:
    limits(moto_machinery).take("register", "192.0.2.77")
    rows = moto_machinery.store.client.scan(TableName=moto_machinery.store.runtime.name)["Items"]

    assert rows
    assert "192.0.2.77" not in str(rows)


def test_without_its_store_a_limit_that_guards_log_in_stays_shut(
    moto_machinery: Machinery, records: object
) -> None:
    def down(**_: object) -> None:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb.invalid")

    moto_machinery.store.client.meta.events.register("before-send.dynamodb.*", down)
    limiter = limits(moto_machinery)
    with pytest.raises(Unavailable):
        limiter.take("login", "ann")
    assert limiter.take("refresh", "family").remaining == 30

    lines = records()  # type: ignore[operator]  # the fixture is a function
    assert any("RateLimiterDegraded" in line for line in lines)


def test_a_write_alone_that_meets_a_transaction_asks_to_come_again(
    moto_machinery: Machinery,
) -> None:
    def met(**_: object) -> tuple[object, dict[str, object]]:
        error = {"Code": "TransactionConflictException", "Message": "ongoing"}
        return SimpleNamespace(status_code=400), {"Error": error, "ResponseMetadata": {}}

    moto_machinery.store.client.meta.events.register("before-call.dynamodb.PutItem", met)

    with pytest.raises(Unavailable):
        fill(moto_machinery, 1)
