"""IAM documents in every shape AWS accepts, and in many it does not."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrails.documents import Statement, statements
from guardrails.values import Node, UndecidedError, WrongTypeError

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=20,
)


def parsed(document: Any) -> list[Statement]:
    text = document if isinstance(document, str) else json.dumps(document)
    return statements(Node({"policy": text}), "policy")


def test_a_single_statement_object_is_a_list_of_one() -> None:
    assert parsed({"Statement": ALLOW}) == parsed({"Statement": [ALLOW]})


def test_a_document_may_be_an_object_instead_of_text() -> None:
    assert statements(Node({"policy": {"Statement": [ALLOW]}}), "policy") == parsed(
        {"Statement": [ALLOW]}
    )


@pytest.mark.parametrize("effect", ["allow", "ALLOW", "Allow"])
def test_an_effect_in_any_case_still_allows(effect: str) -> None:
    (statement,) = parsed({"statement": {**ALLOW, "Effect": effect}})

    assert statement.allows


def test_keys_and_actions_are_read_without_case() -> None:
    (statement,) = parsed({"Statement": {"effect": "Allow", "ACTION": ["S3:GetObject"]}})

    assert statement.allows_action("s3:getobject")


def test_an_allow_by_exclusion_allows_the_rest() -> None:
    (statement,) = parsed({"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}})

    assert statement.allows_action("s3:getobject")
    assert not statement.allows_action("iam:createuser")


@pytest.mark.parametrize(
    ("principal", "anyone"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ["arn:aws:iam::111122223333:root", "*"]}, True),
        ({"Service": "ecs.amazonaws.com"}, False),
        ({"AWS": "111122223333"}, False),
    ],
)
def test_a_principal_is_anyone_only_by_wildcard(principal: Any, anyone: Any) -> None:
    (statement,) = parsed({"Statement": {**ALLOW, "Principal": principal}})

    assert statement.any_principal is anyone


@pytest.mark.parametrize(
    ("condition", "narrowed"),
    [
        ({"StringEquals": {"aws:SourceAccount": "111122223333"}}, True),
        ({"StringEquals": {"AWS:sourceaccount": ["111122223333"]}}, True),
        ({"StringLike": {"aws:SourceArn": "*"}}, False),
        ({"StringNotEquals": {"aws:SourceAccount": "111122223333"}}, False),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "111122223333"}}, False),
        ({"Null": {"aws:SourceAccount": "false"}}, False),
        ({"ForAllValues:StringEquals": {"aws:PrincipalArn": "arn:x"}}, False),
        ({"Bool": {"aws:SecureTransport": "true"}}, False),
        ({}, False),
    ],
)
def test_a_condition_narrows_only_if_it_names_callers(condition: Any, narrowed: Any) -> None:
    (statement,) = parsed({"Statement": {**ALLOW, "Principal": "*", "Condition": condition}})

    assert statement.is_narrowed is narrowed


def test_ten_thousand_statements_are_read() -> None:
    assert len(parsed({"Statement": [ALLOW] * 10_000})) == 10_000


@pytest.mark.parametrize(
    "text",
    ["", "{", "7", '"text"', "[]", '{"Statement": 7}', '{"Statement": [7]}',
     '{"Statement": {"Effect": "Maybe"}}', "[" * 100_000],
)  # fmt: skip
def test_a_document_that_is_none_is_a_wrong_type(text: str) -> None:
    with pytest.raises(WrongTypeError):
        parsed(text)


def test_an_unknown_part_leaves_the_whole_undecided(harness: Any) -> None:
    with pytest.raises(UndecidedError):
        parsed({"Statement": {**ALLOW, "Resource": harness.UNKNOWN}})


@given(JSON)
def test_no_document_crashes_the_reader(document: Any) -> None:
    with contextlib.suppress(WrongTypeError, UndecidedError):
        parsed(document)


@given(st.lists(st.sampled_from(["Allow", "Deny", "allow", "deny"]), max_size=5), st.booleans())
def test_every_statement_keeps_its_effect(effects: list[str], as_object: Any) -> None:
    entries: Any = [{**ALLOW, "Effect": effect} for effect in effects]
    if as_object and len(entries) == 1:
        entries = entries[0]

    found = parsed({"Statement": entries})

    assert [s.allows for s in found] == [e.lower() == "allow" for e in effects]
