"""What was approved is what will happen: one hash over every step of a preview."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.ops.steps import Plan, UnreadableError, read_plan
from delivery.ops.summary import LIMIT, summarise

DIGEST = "sha256:" + "ab" * 32
SUMMARY = json.dumps({"summaryEvent": {"isPreview": True}})


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:staging::p::{kind}::{name}"


def event(op: str, kind: str, name: str, *paths: str, protect: bool = False) -> str:
    metadata = {
        "op": op,
        "type": kind,
        "urn": urn(kind, name),
        "detailedDiff": {path: {"diffKind": "update"} for path in paths},
        "old": {"protect": protect},
        "new": {},
    }
    return json.dumps({"sequence": 1, "resourcePreEvent": {"metadata": metadata}})


TABLE = "aws:dynamodb/table:Table"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
EVENTS = [
    event("same", TABLE, "kept"),
    event("create", "aws:sns/topic:Topic", "new"),
    event("update", TABLE, "ledger", "ttl", "tags.owner"),
    event("create-replacement", TASK, "api", "containerDefinitions"),
    event("replace", TASK, "api", "containerDefinitions"),
    event("delete-replaced", TASK, "api"),
    event("delete", "aws:sqs/queue:Queue", "old"),
    SUMMARY,
]


def plan(*lines: str) -> Plan:
    return read_plan([*lines, SUMMARY])


def test_steps_are_counted_once_for_each_resource() -> None:
    found = read_plan(EVENTS)

    assert [step.name for step in found.creates] == ["Topic new"]
    assert [step.name for step in found.updates] == ["Table ledger"]
    assert [step.name for step in found.replaces] == ["TaskDefinition api"]
    assert [step.name for step in found.deletes] == ["Queue old"]


@given(st.permutations(EVENTS))
def test_the_hash_does_not_depend_on_the_order_of_events(events: list[str]) -> None:
    assert read_plan(events).hash == read_plan(EVENTS).hash


DIFFERENT: list[Any] = [
    pytest.param(event("update", TABLE, "ledger", "ttl"), id="another property"),
    pytest.param(event("delete", TABLE, "ledger", "ttl", "tags.owner"), id="another operation"),
    pytest.param(event("update", TABLE, "audit", "ttl", "tags.owner"), id="another resource"),
]


@pytest.mark.parametrize("other", DIFFERENT)
def test_the_hash_changes_with_what_would_happen(other: str) -> None:
    shown = plan(event("update", TABLE, "ledger", "ttl", "tags.owner"))

    assert plan(other).hash != shown.hash


def test_one_step_more_is_another_hash() -> None:
    one = event("update", TABLE, "ledger", "ttl")

    assert plan(one).hash != plan(one, event("create", TABLE, "extra")).hash
    assert plan(one).hash != plan().hash


def test_the_order_of_properties_does_not_count() -> None:
    left, right = (event("update", TABLE, "l", *paths) for paths in (("a", "b"), ("b", "a")))

    assert plan(left).hash == plan(right).hash


def test_a_resource_that_stays_and_the_stack_itself_do_not_count() -> None:
    idle = [
        event("same", TABLE, "ledger"),
        event("read", TABLE, "other"),
        event("create", "pulumi:pulumi:Stack", "s"),
    ]

    assert plan(*idle).hash == plan().hash


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([EVENTS[1]], "did not come to its end"),
        ([], "did not come to its end"),
        (["nonsense", SUMMARY], "line 1 is not JSON"),
        (["[]", SUMMARY], "line 1 is not an event"),
    ],
    ids=["cut off", "empty", "text", "a list"],
)
def test_events_that_cannot_be_trusted_are_refused(lines: list[str], words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        read_plan(lines)


# --- Summary -------------------------------------------------------------------------------------

VERDICTS = {"PASS": 131, "FAIL": 0, "UNKNOWN": 0, "WAIVED": 2, "NOT_APPLICABLE": 50}


def test_the_summary_says_what_changes_and_what_was_judged() -> None:
    assert summarise(read_plan(EVENTS), VERDICTS, DIGEST) == (
        "create 1, update 1, replace 1, delete 1; digest abababababab..;"
        " PASS 131, FAIL 0, UNKNOWN 0, WAIVED 2;"
        " replaces TaskDefinition api; deletes Queue old"
    )


def test_nothing_replaced_and_nothing_deleted_is_said() -> None:
    text = summarise(plan(), VERDICTS, DIGEST)

    assert text.endswith("replaces none; deletes none")


@pytest.mark.parametrize("op", ["delete", "replace"])
def test_the_loss_of_something_protected_comes_first(op: str) -> None:
    found = plan(event(op, TABLE, "ledger", protect=True), *EVENTS[:-1])

    assert summarise(found, VERDICTS, DIGEST).startswith("PROTECTED: Table ledger; create 1")


def test_a_long_summary_is_cut_and_says_so() -> None:
    many = [event("delete", TABLE, f"table-number-{n}") for n in range(200)]

    text = summarise(plan(*many), VERDICTS, DIGEST)

    assert len(text) == LIMIT
    assert text.endswith("(cut)")
    assert "delete 200" in text
