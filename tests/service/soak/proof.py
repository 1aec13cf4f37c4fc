"""What must be true of a user's ledger after the callers have ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .people import MONTH, Caller, Row, euros, minor

if TYPE_CHECKING:
    from collections.abc import Iterator

START = -10_000  # cents of the contested row


def prove(callers: list[Caller]) -> None:
    """Nothing acknowledged is missing, nothing is there twice, every figure adds up."""
    reader = callers[0]
    expected = [row for caller in callers for row in _live(caller)]
    booked = list(_pages(reader, "/transactions?"))
    contested = next(row for row in booked if row["id"] == reader.shared.contested)
    entries = [r for r in booked if r["kind"] == "entry" and r["id"] != reader.shared.contested]

    assert minor(contested["amount"]) == START + sum(caller.raised for caller in callers)
    assert Counter(map(_seen, entries)) == Counter(map(_meant, expected))
    _prove_trash(reader, callers)
    _prove_transfers(booked, callers)
    _prove_sums(reader, callers, booked)
    _prove_trail(reader, callers)


def _live(caller: Caller) -> Iterator[Row]:
    yield from (row for row in caller.rows.values() if row.live)
    yield from caller.imported


def _meant(row: Row) -> tuple[str, str, int, int]:
    return row.description, row.account, row.minor, row.version


def _seen(row: dict[str, Any]) -> tuple[str, str, int, int]:
    return row["description"], row["accountId"], minor(row["amount"]), row["version"]


def _pages(reader: Caller, path: str) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        page = reader.read(f"{path}limit=100{cursor}")
        yield from page["items"]
        if page["nextCursor"] is None:
            return
        cursor = f"&cursor={page['nextCursor']}"


def _prove_trash(reader: Caller, callers: list[Caller]) -> None:
    deleted = [row["id"] for row in _pages(reader, "/transactions?deleted=true&")]
    gone = [id_ for caller in callers for id_, row in caller.rows.items() if not row.live]
    own = [id_ for id_ in deleted if any(id_ in caller.rows for caller in callers)]
    assert Counter(own) == Counter(gone)


def _prove_transfers(booked: list[dict[str, Any]], callers: list[Caller]) -> None:
    legs = Counter(row["transferId"] for row in booked if row["kind"] == "transfer")
    alive = [id_ for caller in callers for id_ in caller.transfers]
    assert legs == Counter(alive + alive)


def _prove_sums(reader: Caller, callers: list[Caller], booked: list[dict[str, Any]]) -> None:
    for account in reader.shared.accounts:
        rows = [minor(row["amount"]) for row in booked if row["accountId"] == account]
        shown, proof = (
            reader.read(f"/accounts/{account}"),
            reader.read(f"/accounts/{account}/reconcile"),
        )
        assert (minor(shown["balance"]), shown["transactionCount"]) == (sum(rows), len(rows))
        assert proof["difference"] == euros(0)
    entries = [minor(row["amount"]) for row in booked if row["kind"] == "entry"]
    month = reader.read(f"/analytics/months/{MONTH}?currency=EUR")
    assert (minor(month["net"]), month["count"]) == (sum(entries), len(entries))
    assert minor(month["income"]) == sum(amount for amount in entries if amount > 0)
    goal = reader.read(f"/goals/{reader.shared.goal}")
    assert minor(goal["saved"]) == sum(caller.saved for caller in callers)


def _prove_trail(reader: Caller, callers: list[Caller]) -> None:
    """One audit row for each acknowledged command, in a chain without a gap."""
    written = Counter(row["event"] for row in _pages(reader, "/audit/me?"))
    acknowledged = sum((caller.events for caller in callers), Counter[str]())
    acknowledged["transaction.created"] += 1  # the contested row
    assert {event: written[event] for event in acknowledged} == dict(acknowledged)
    assert reader.read("/audit/me/verify")["valid"] is True
