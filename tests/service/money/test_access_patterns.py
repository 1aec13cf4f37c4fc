"""Each way of reading the tables, as requests use it: operation, key, index and consistency.

One row a pattern, in the numbering of the data model. A read is written as

    get Ledger U#<usr> A#<acc> c            one row, consistently
    query Ledger.byDate U#<usr> T#2026-06-01..T#2026-06-30~ c
    query Ledger U#<usr> C#* c              all pages of a prefix

and every request of a session begins with the check of that session, which is left out.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from budgetbuddy.domain.services import Services

from ..conftest import PASSWORD  # noqa: TID252 - fixtures' module
from .conftest import Api

IDENTIFIER = re.compile(r"(usr|acc|txn|trf|cat|rul|rec|gol|ses|job)_[0-7][0-9a-hjkmnp-tv-z]{25}")
DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}")
SESSION = "batch Ledger U#<usr> PROFILE + Runtime U#<usr> S#<ses> e"
PROFILE = "get Ledger U#<usr> PROFILE c"  # for the user's time zone


def text(value: str) -> str:
    """A key without what differs from run to run."""
    return DIGEST.sub("<digest>", IDENTIFIER.sub(r"<\1>", value))


def described(operation: str, params: dict[str, Any]) -> str:
    """One read in words; writes are empty."""
    consistency = "c" if params.get("ConsistentRead") else "e"
    if operation == "GetItem":
        key = f"{params['Key']['pk']['S']} {params['Key']['sk']['S']}"
        return text(f"get {_name(params['TableName'])} {key} {consistency}")
    if operation == "BatchGetItem":
        wanted = params["RequestItems"].items()
        flags = {"c" if found["ConsistentRead"] else "e" for _, found in wanted}
        keys = " + ".join(
            f"{_name(table)} {key['pk']['S']} {key['sk']['S']}"
            for table, found in wanted
            for key in found["Keys"]
        )
        return text(f"batch {keys} {''.join(flags)}")
    if operation == "Query":
        return text(f"query {_range(params)} {consistency}")
    return ""


def _range(params: dict[str, Any]) -> str:
    values = [v.get("S", "") for v in params["ExpressionAttributeValues"].values()]
    index = f".{params['IndexName']}" if "IndexName" in params else ""
    condition = params["KeyConditionExpression"]
    if "BETWEEN" in condition:
        span = f"{values[1]}..{values[2]}"
    elif "begins_with" in condition:
        span = f"{values[1]}*"
    else:
        span = f">{values[1]}" if ">" in condition else "*"
    return f"{_name(params['TableName'])}{index} {values[0]} {span}"


def _name(table: str) -> str:
    return table.rpartition("-")[2]


@dataclass
class Watched:
    """A user with something of everything, and the reads that requests make."""

    api: Api
    seen: list[str]
    names: dict[str, str]

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> list[str]:
        """The reads of one request, without the check of the session."""
        self.seen.clear()
        answer = self.api(method, path.format(**self.names), body, **more)
        assert answer.status_code < 300, answer.text
        found = [read for read in self.seen if read]
        if self.api.token:
            assert found[0] == SESSION
            return found[1:]
        return found


@pytest.fixture
def watched(api: Api, wired: Services) -> Watched:
    """The user; reads are seen as they leave for the store."""
    account, other = api.account(), api.account(name="Savings")
    food = api.category("Meals")
    row = api.transaction(account, "-5.00", categoryId=food["id"], tags=["x"])
    moved = {
        "fromAccountId": account["id"],
        "toAccountId": other["id"],
        "amount": {"amount": "1.00", "currency": "EUR"},
        "date": "2026-06-02",
    }
    transfer: Any = api("POST", "/transfers", moved).json
    limit = {"limit": {"amount": "9.00", "currency": "EUR"}}
    api("PUT", f"/budgets/{food['id']}", limit, headers={"If-None-Match": "*"})
    names = {"acc": account["id"], "cat": food["id"], "txn": row["id"], "trf": transfer["id"]}
    seen: list[str] = []
    client = wired.jobs._store.client  # type: ignore[attr-defined]  # noqa: SLF001 - it is watched
    client.meta.events.register(
        "provide-client-params.dynamodb",
        lambda params, model, **_: seen.append(described(model.name, params)),
    )
    return Watched(api=api, seen=seen, names=names)


ACCOUNTS, CATEGORIES = "query Ledger U#<usr> A#* c", "query Ledger U#<usr> C#* c"
BY_DATE = "query Ledger.byDate U#<usr>"
MONTHS = "query Ledger U#<usr> M#EUR#{}..M#EUR#{} e"

PATTERNS = [
    pytest.param("/accounts", [ACCOUNTS], id="4-accounts"),
    pytest.param("/categories", [CATEGORIES], id="4-categories"),
    pytest.param("/rules", ["query Ledger U#<usr> R#* c"], id="4-rules"),
    pytest.param("/recurring", ["query Ledger U#<usr> RC#* c"], id="4-recurring"),
    pytest.param("/budgets", ["query Ledger U#<usr> B#* c"], id="4-budgets"),
    pytest.param("/goals", ["query Ledger U#<usr> G#* c"], id="4-goals"),
    pytest.param("/transactions/{txn}", ["get Ledger U#<usr> T#<txn> c"], id="5-transaction"),
    pytest.param("/accounts/{acc}", ["get Ledger U#<usr> A#<acc> c"], id="5-account"),
    pytest.param("/transactions", [f"{BY_DATE} T#..T#~ c"], id="6-newest-first"),
    pytest.param(
        "/transactions?from=2026-06-01&to=2026-06-30",
        [f"{BY_DATE} T#2026-06-01..T#2026-06-30~ c"],
        id="6-dates",
    ),
    pytest.param(
        "/transactions?accountId={acc}",
        [
            "get Ledger U#<usr> A#<acc> c",
            "query Ledger.byAccount U#<usr> <acc>#..<acc>#~ c",
        ],
        id="7-account",
    ),
    pytest.param("/transactions?tag=x", [f"{BY_DATE} T#..T#~ c"], id="8-tag"),
    pytest.param("/transactions?deleted=true", [f"{BY_DATE} D#..D#~ c"], id="9-trash"),
    pytest.param(
        "/transfers/{trf}",
        [
            "get Ledger U#<usr> TR#<trf> c",
            "batch Ledger U#<usr> T#<txn> + Ledger U#<usr> T#<txn> c",
        ],
        id="10-transfer",
    ),
    pytest.param(
        "/analytics/months/2026-06?currency=EUR",
        ["get Ledger U#<usr> M#EUR#2026-06 e"],
        id="11-month",
    ),
    pytest.param(
        "/analytics/trends?months=12",
        [PROFILE, ACCOUNTS, MONTHS.format("2025-06", "2026-06")],
        id="12-trends",
    ),
    pytest.param(
        "/budgets/suggestions?currency=EUR",
        [PROFILE, MONTHS.format("2025-12", "2026-05"), CATEGORIES],
        id="12-suggestions",
    ),
    pytest.param("/analytics/net-worth", [PROFILE, ACCOUNTS], id="14-net-worth"),
    pytest.param(
        "/accounts/{acc}/balance-history", ["get Ledger U#<usr> A#<acc> c"], id="14-history"
    ),
    pytest.param(
        "/accounts/{acc}/reconcile",
        [
            "get Ledger U#<usr> HEAD c",
            "get Ledger U#<usr> A#<acc> c",
            "query Ledger.byAccount U#<usr> <acc>#* c",
            "get Ledger U#<usr> HEAD c",
        ],
        id="15-reconcile",
    ),
    pytest.param("/audit/me", ["query Audit AUD#<digest> * c"], id="22-audit"),
    pytest.param("/jobs", ["query Runtime U#<usr> J#* c"], id="jobs"),
]


@pytest.mark.parametrize(("path", "expected"), PATTERNS)
def test_a_request_reads_what_its_pattern_says(
    watched: Watched, path: str, expected: list[str]
) -> None:
    assert watched("GET", path) == expected


def test_a_chain_is_verified_from_its_first_row_against_the_head(watched: Watched) -> None:
    found = watched("GET", "/audit/me/verify")

    assert found[0] == "get Ledger U#<usr> HEAD c"
    assert "query Audit AUD#<digest> * c" in found


def test_an_access_token_is_checked_by_one_row(watched: Watched) -> None:
    body = {"name": "script", "scopes": ["transactions:read"], "expiresInDays": 1}
    token: Any = watched.api("POST", "/tokens", body, key=None).json
    script = Api(watched.api.client, token["token"])
    script("GET", "/rules")  # the first use of a day is noted
    watched.seen.clear()
    script("GET", "/rules")

    assert watched.seen[0] == "get Ledger PAT#<digest> PAT e"


def test_a_log_in_finds_the_user_by_the_lock_of_the_address(
    watched: Watched, sign_up: Callable[..., Any]
) -> None:
    sign_up("bob@example.com")
    watched.seen.clear()
    body = {"email": "bob@example.com", "password": PASSWORD}
    Api(watched.api.client, "")("POST", "/auth/login", body, key=None)

    found = [read for read in watched.seen if read and "RL#" not in read]
    assert found[:2] == ["get Ledger EMAIL#1#<digest> LOCK c", PROFILE]


def test_the_summary_of_a_month_reads_budgets_and_month_records(watched: Watched) -> None:
    found = watched("GET", "/budgets/summary?month=2026-06&currency=EUR")

    assert found[0] == PROFILE
    assert "query Ledger U#<usr> B#* c" in found
    assert MONTHS.format("2025-12", "2026-05") in found


def test_a_new_transaction_claims_reads_the_head_and_what_it_names(watched: Watched) -> None:
    body = {
        "accountId": watched.names["acc"],
        "date": "2026-06-03",
        "amount": {"amount": "-1.00", "currency": "EUR"},
        "description": "Tea",
        "categoryId": watched.names["cat"],
        "importId": "tea-1",
    }

    assert watched("POST", "/transactions", body) == [
        "get Ledger U#<usr> HEAD c",
        "batch Ledger U#<usr> C#<cat> c",
    ]  # 16 and 19: neither the import lock nor the claim is read
