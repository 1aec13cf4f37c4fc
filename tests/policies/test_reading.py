"""How values are read from what the engine and its files hold, and where a waiver's rules end."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from guardrails import waivers
from guardrails.registry import registry
from guardrails.values import (
    MISSING,
    Known,
    Node,
    UndecidedError,
    Unknown,
    WrongTypeError,
    block,
    flag,
    items,
    read,
    text,
    type_name,
)
from guardrails.verdicts import Record, Verdict, merged
from guardrails.wire import ARCHIVE, ASSET, OUTPUT, REFERENCE, SECRET, SIGNATURE_KEY, plain

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
PLACE = Node({"a": {"b": ["x", {"c": None}]}, "one": [{"d": 1}], "two": [{}, {}]}, "top")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b.0", Known("x")),
        ("a.b.2", MISSING),
        ("a.b.1.c", MISSING),
        ("a.none.further", MISSING),
        ("one.d", Known(1)),
        (("a", "b"), Known(["x", {"c": None}])),
        ("", MISSING),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: Any, found: Any) -> None:
    assert read(PLACE, path) == found


@pytest.mark.parametrize(
    ("value", "path", "where"),
    [
        ({"a": UNKNOWN}, "a", "top.a"),
        ({"a": UNKNOWN}, "a.b", "top.a"),
        ({"a": [UNKNOWN]}, "a.b", "top.a"),
        ({"a": [UNKNOWN]}, "a.0", "top.a.0"),
        (UNKNOWN, "a", "top"),
    ],
)
def test_an_unknown_says_where_it_stands(value: Any, path: str, where: str) -> None:
    assert read(Node(value, "top"), path) == Unknown(where, "string")


@pytest.mark.parametrize(
    ("value", "path", "expected", "found"),
    [
        ({"a": [{}, {}]}, "a.b", "a single block", "a list of several"),
        ({"a": 7.0}, "a.b", "object", "number"),
        ({"a": 7}, "a.b", "object", "number"),
        ({"a": True}, "a.b", "object", "boolean"),
        ({"a": object()}, "a.b", "object", "value"),
    ],
)
def test_a_path_through_something_else_names_it(
    value: Any, path: str, expected: str, found: str
) -> None:
    with pytest.raises(WrongTypeError) as wrong:
        read(Node(value, "top"), path)

    assert (wrong.value.path, wrong.value.expected, wrong.value.found) == ("top.a", expected, found)


def test_a_reader_names_the_whole_path_of_a_wrong_value() -> None:
    for reader, expected in ((text, "string"), (flag, "boolean"), (items, "list")):
        with pytest.raises(WrongTypeError) as wrong:
            reader(Node({"a": {"b": 7}}, "top"), ("a", "b"))
        assert (wrong.value.path, wrong.value.expected) == ("top.a.b", expected)
    assert type_name(None) == "null"


def test_a_block_may_stand_in_a_list_of_one() -> None:
    assert block(Node({"a": [{"b": 1}]}), "a") == Node({"b": 1}, "a")
    assert block(Node({"a": []}), "a") is None
    with pytest.raises(WrongTypeError):
        block(Node({"a": [{"b": 1}, {"b": 2}]}), "a")
    with pytest.raises(UndecidedError):
        block(Node({"a": [UNKNOWN]}), "a")


@pytest.mark.parametrize(
    ("special", "value", "secrets"),
    [
        ({SIGNATURE_KEY: SECRET, "value": "v"}, "v", {"x"}),
        ({SIGNATURE_KEY: SECRET, "plaintext": '"v"'}, "v", {"x"}),
        ({SIGNATURE_KEY: SECRET, "ciphertext": "c"}, "[secret]", {"x"}),
        ({SIGNATURE_KEY: OUTPUT, "value": "v"}, "v", set()),
        ({SIGNATURE_KEY: OUTPUT, "value": "v", "secret": True}, "v", {"x"}),
        ({SIGNATURE_KEY: OUTPUT}, UNKNOWN, set()),
        ({SIGNATURE_KEY: ASSET, "path": "p"}, {"$asset": "asset"}, set()),
        ({SIGNATURE_KEY: ARCHIVE, "path": "p"}, {"$asset": "archive"}, set()),
        ({SIGNATURE_KEY: REFERENCE, "id": "i"}, "i", set()),
        ({SIGNATURE_KEY: REFERENCE, "id": ""}, UNKNOWN, set()),
        ({SIGNATURE_KEY: "later", "id": "i"}, UNKNOWN, set()),
    ],
)
def test_special_values_of_the_engine_are_taken_apart(
    special: Any, value: Any, secrets: set[str]
) -> None:
    found = plain({"x": special})

    assert (found.values, found.secrets) == ({"x": value}, secrets)


TODAY = date(2026, 11, 24)
URN = "urn:pulumi:staging::shop::aws:dynamodb/table:Table::ledger"
ENTRY = {
    "policy": "DDB-01", "urn": URN, "stacks": ["staging"], "reason": "r" * 30, "owner": "team",
    "approver": "lead", "ticket": "SEC-12", "compensating_control": "none", "created": TODAY,
    "expires": TODAY,
}  # fmt: skip
FAILED = Record(control="DDB-01", policy="ddb-01", urn=URN, verdict=Verdict.FAIL)


def test_a_waiver_counts_on_its_last_day_and_not_on_the_next() -> None:
    file = waivers.parse({"waivers": [ENTRY]}, registry())

    for day, verdict in ((TODAY, Verdict.WAIVED), (TODAY + timedelta(days=1), Verdict.FAIL)):
        assert file.apply([FAILED], "staging", day)[0].verdict is verdict
        found = file.findings([FAILED], "staging", URN, day, {"DDB-01"})
        assert [r.policy for r in found] == ([] if verdict is Verdict.WAIVED else [waivers.EXPIRED])


@pytest.mark.parametrize(
    ("control", "days"), [("VPC-04", 90), ("DDB-01", 90), ("LB-08", 180), ("LB-09", 180)]
)
def test_a_term_of_the_longest_kind_is_well_formed_and_a_day_more_is_not(
    control: str, days: int
) -> None:
    for longer, malformed in ((0, False), (1, True)):
        expires = TODAY + timedelta(days=days + longer)
        entry = ENTRY | {"policy": control, "expires": expires}
        assert bool(waivers.parse({"waivers": [entry]}, registry()).malformed) is malformed


@pytest.mark.parametrize(
    ("changes", "malformed"),
    [
        ({"reason": "r" * 29}, True),
        ({"reason": f"{'r' * 29} "}, True),
        ({"urn": "urn:other:staging::shop::aws:dynamodb/table:Table::ledger"}, True),
        ({"urn": "urn:pulumi:staging::shop::aws:dynamodb/table:Table"}, True),
        ({"urn": "urn:pulumi:staging::shop::*::ledger"}, True),
        ({"urn": "*"}, True),
        ({"expires": TODAY - timedelta(days=1)}, True),
        ({"approver": "Team "}, True),
        ({"ticket": "twelve"}, True),
        ({}, False),
    ],
    ids=str,
)
def test_every_rule_of_an_entry_has_an_end(changes: dict[str, Any], malformed: Any) -> None:
    file = waivers.parse({"waivers": [ENTRY | changes]}, registry())

    assert bool(file.malformed) is malformed


def test_of_two_halves_the_graver_one_counts_and_of_equals_the_first() -> None:
    order = (Verdict.ERROR, Verdict.FAIL, Verdict.UNKNOWN, Verdict.WAIVED, Verdict.PASS,
             Verdict.NOT_APPLICABLE)  # fmt: skip
    for graver, milder in pairwise(order):
        for pair in ((graver, milder), (milder, graver)):
            (found,) = merged(replace(FAILED, verdict=verdict) for verdict in pair)
            assert found.verdict is graver
    first, second = replace(FAILED, found="first"), replace(FAILED, found="second")
    assert merged([first, second]) == [first]
