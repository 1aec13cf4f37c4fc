"""The three tables, read and written through one thin wrapper that knows DynamoDB's limits.

    store.ledger.get(Key(pk=f"U#{user_id}", sk=f"A#{account_id}"))   -> Item | None
    store.ledger.query(f"U#{user_id}", begins_with="A#")             -> list of items, all pages
    store.ledger.page(f"U#{user_id}", index=BY_DATE, between=("T#2026-01", "T#2026-02"),
                      limit=50, start=position)                      -> Page of items, newest first
    store.write(update(store.runtime.name, key, …))                  -> one conditional write

Rows past their `ttl` are never returned: DynamoDB removes them days late.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from budgetbuddy import contract
from budgetbuddy.contract import Metric
from budgetbuddy.domain.ports import Clock, Page, Position
from budgetbuddy.problems import Unavailable
from budgetbuddy.store.codec import Item, decode
from budgetbuddy.store.expressions import BeginsWith, Between, Compare, Condition, Expressions
from budgetbuddy.store.writes import Key, Write
from budgetbuddy.telemetry import count, tally

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_GET_KEYS = 100  # AWS limit
READS = ("GetItem", "BatchGetItem", "Query")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
BATCH_GET_TRIES = 5  # each returns at least a part of what is asked
THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "InternalServerError",
    }
)


@dataclass(frozen=True)
class Index:
    """A local secondary index and its sort key attribute."""

    name: str
    sort_key: str


BY_DATE, BY_ACCOUNT = (Index(i.name, i.sort_key) for i in contract.TABLES[0].indexes)


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Throttling, meeting a transaction, timeouts and lost connections become 503.

    The rest stays what it is.
    """
    try:
        yield
    except ClientError as exc:
        code = exc.response["Error"]["Code"]
        if code in THROTTLES:
            count(Metric.STORE_THROTTLED, dimension=table)
            raise Unavailable("the store is busy") from exc
        if code == "TransactionConflictException":
            raise Unavailable("another write was under way; nothing was written") from exc
        raise
    except BotoCoreError as exc:
        raise Unavailable("the store does not answer") from exc


def watch(client: "DynamoDBClient") -> None:
    """Count calls and capacity of this client into the line of the request that made them."""

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def tally_answer(parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity") or []
        units = sum(
            part.get("CapacityUnits", 0)
            for part in (consumed if isinstance(consumed, list) else [consumed])
        )
        tally(**{"storeCalls": 1, "rcu" if model.name in READS else "wcu": units})

    events = client.meta.events
    for operation in (*READS, *WRITES):
        events.register(f"provide-client-params.dynamodb.{operation}", ask)
        events.register(f"after-call.dynamodb.{operation}", tally_answer)


class Table:
    """One table. `name` is physical (for writes), `label` the contract's (for seals, metrics)."""

    def __init__(self, client: "DynamoDBClient", prefix: str, label: str, clock: Clock) -> None:
        self.client = client
        self.label = label
        self.name = f"{prefix}-{label}"
        self._clock = clock

    def place(self, key: Key, attribute: str = "x") -> str:
        """Where a sealed attribute lives, as the envelope authenticates it."""
        return f"{self.label}|{key.pk}|{key.sk}|{attribute}"

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        """The row, or `None`."""
        with translated(self.label):
            answer = self.client.get_item(
                TableName=self.name, Key=key.encoded, ConsistentRead=consistent
            )
        return self._live(answer.get("Item"))

    def page(  # noqa: PLR0913 - the parts of one Query
        self,
        pk: str,
        *,
        limit: int,
        index: Index | None = None,
        begins_with: str | None = None,
        between: tuple[str, str] | None = None,
        after: str | None = None,
        where: Iterable[Condition] = (),
        start: Position | None = None,
        forward: bool = False,
        consistent: bool = True,
        expired: bool = False,
    ) -> Page[Item]:
        """At most `limit` rows examined, newest first unless `forward`.

        With `expired` also those past their `ttl` that are still there, for their removal.

        A page can be short or empty and still have a `next` when `where` filtered rows away.
        `start` holds the key attributes without `pk`, which is always taken from `pk`.
        """
        expressions = Expressions()
        sort_key = index.sort_key if index else "sk"
        conditions: list[Condition] = [Compare("pk", "=", pk)]
        if begins_with is not None:
            conditions.append(BeginsWith(sort_key, begins_with))
        if between is not None:
            conditions.append(Between(sort_key, *between))
        if after is not None:
            conditions.append(Compare(sort_key, ">", after))
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": expressions.conjunction(conditions),
            "Limit": limit,
            "ScanIndexForward": forward,
            "ConsistentRead": consistent,
        }
        if filters := tuple(where):
            request["FilterExpression"] = expressions.conjunction(filters)
        if index:
            request["IndexName"] = index.name
        if start:
            request["ExclusiveStartKey"] = {
                "pk": {"S": pk},
                **{name: {"S": value} for name, value in start.items()},
            }
        with translated(self.label):
            answer = self.client.query(**expressions.attach(request))
        shown = decode if expired else self._live
        rows = [item for raw in answer["Items"] if (item := shown(raw)) is not None]
        last = answer.get("LastEvaluatedKey")
        position = {k: v["S"] for k, v in last.items() if k != "pk"} if last else None
        return Page(items=rows, next=position)

    def query(self, pk: str, *, page_size: int = 1_000, **selection: Any) -> list[Item]:
        """All rows of a selection (arguments of `page`), through every page, oldest first."""
        selection = {"forward": True, **selection}
        rows: list[Item] = []
        start: Position | None = None
        while True:
            page = self.page(pk, limit=page_size, start=start, **selection)
            rows.extend(page.items)
            if page.next is None:
                return rows
            start = page.next

    def sort_keys(self, pk: str, *, limit: int) -> list[str]:
        """The first sort keys of a partition, also of rows past their `ttl`: for their removal."""
        with translated(self.label):
            answer = self.client.query(
                TableName=self.name,
                KeyConditionExpression="#pk = :pk",
                ProjectionExpression="#sk",
                ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
                ExpressionAttributeValues={":pk": {"S": pk}},
                Limit=limit,
                ConsistentRead=True,
            )
        return [row["sk"]["S"] for row in answer["Items"]]

    def _live(self, raw: Any) -> Item | None:
        item = decode(raw) if raw else None
        if item is not None and "ttl" in item and item["ttl"] <= self._clock().timestamp():
            return None
        return item


class Store:
    """The client with its three tables."""

    def __init__(self, client: "DynamoDBClient", prefix: str, clock: Clock) -> None:
        self.client = client
        self.clock = clock
        watch(client)
        self.ledger, self.runtime, self.audit = (
            Table(client, prefix, spec.name, clock) for spec in contract.TABLES
        )

    def batch_get(
        self, wanted: Sequence[tuple[Table, Key]], *, consistent: bool = True
    ) -> list[Item | None]:
        """Rows of any tables in the order asked for, `None` where there is none."""
        if len(wanted) > BATCH_GET_KEYS:
            raise ValueError(f"BatchGetItem takes {BATCH_GET_KEYS} keys, not {len(wanted)}")
        pending: dict[str, Any] = {}
        for table, key in wanted:
            request = pending.setdefault(table.name, {"Keys": [], "ConsistentRead": consistent})
            request["Keys"].append(key.encoded)
        found: dict[tuple[str, str, str], Item | None] = {}
        tables = {table.name: table for table, _ in wanted}
        for _ in range(BATCH_GET_TRIES):
            with translated(wanted[0][0].label):
                answer = self.client.batch_get_item(RequestItems=pending)
            for name, rows in answer["Responses"].items():
                for raw in rows:
                    found[name, raw["pk"]["S"], raw["sk"]["S"]] = tables[name]._live(raw)  # noqa: SLF001 - same module
            pending = dict(answer.get("UnprocessedKeys", {}))
            if not pending:
                break
        else:
            raise Unavailable("the store is busy")
        return [found.get((table.name, key.pk, key.sk)) for table, key in wanted]

    def write(self, write: Write) -> Item:
        """One write alone; an update returns the whole row as it is now, others nothing.

        Raises what `write.refuse` returns when its condition does not hold.
        """
        calls: dict[str, Callable[..., Any]] = {
            "Put": self.client.put_item,
            "Update": self.client.update_item,
            "Delete": self.client.delete_item,
        }
        extra = {"ReturnValues": "ALL_NEW"} if write.kind == "Update" else {}
        with translated(write.table.rpartition("-")[2]):
            try:
                answer = calls[write.kind](**write.request, **extra)
            except self.client.exceptions.ConditionalCheckFailedException as exc:
                stored: Any = exc.response.get("Item")
                raise write.refuse(decode(stored) if stored else None) from exc
        return decode(answer.get("Attributes", {}))
