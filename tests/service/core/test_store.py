"""Codec, limits and expressions: what DynamoDB would mangle or refuse never leaves the process."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.services import Services
from budgetbuddy.store.codec import decode, encode, size_bytes
from budgetbuddy.store.expressions import (
    Absent,
    All,
    BeginsWith,
    Between,
    Compare,
    Contains,
    Either,
    Equals,
    Exists,
    Expressions,
    OneOf,
)
from budgetbuddy.store.writes import Key, check, delete, put, update

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.frozensets(st.text(min_size=1, max_size=5), min_size=1, max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=5))
def test_an_item_comes_back_as_it_went(item: dict[str, Any]) -> None:
    assert decode(encode(item)) == item
    assert size_bytes(encode(item)) >= 0


@pytest.mark.parametrize("value", [1.5, float("nan"), Decimal("1.5"), Decimal(1), object(), 1j])
def test_what_is_no_exact_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match="attribute amount"):
        encode({"amount": value})


@pytest.mark.parametrize("value", [10**38, -(10**38), set()])
def test_what_dynamodb_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="attribute amount"):
        encode({"amount": value})


def test_a_stored_fraction_is_an_error_and_not_rounded() -> None:
    with pytest.raises(ValueError, match="fraction"):
        decode({"n": {"N": "1.5"}})


def test_conditions_read_as_dynamodb_wants_them() -> None:
    expressions = Expressions()
    text = expressions.conjunction(
        [
            Exists("pk"),
            Absent("gone"),
            Equals("version", 3),
            Between("d", "a", "b"),
            BeginsWith("sk", "T#"),
            Contains("tags", "x"),
            OneOf("st", ("p", "q")),
            Either((Compare("ttl", "<=", 9), All((Exists("a"), Exists("pk"))))),
        ]
    )

    assert text == (
        "attribute_exists(#n0) AND attribute_not_exists(#n1) AND #n2 = :v0 AND "
        "#n3 BETWEEN :v1 AND :v2 AND begins_with(#n4, :v3) AND contains(#n5, :v4) AND "
        "#n6 IN (:v5, :v6) AND "
        "(#n7 <= :v7 OR (attribute_exists(#n8) AND attribute_exists(#n0)))"
    )
    assert expressions.names["#n0"] == "pk"
    assert expressions.values[":v0"] == {"N": "3"}


def test_more_than_a_hundred_operands_are_refused_though_emulators_take_them() -> None:
    with pytest.raises(ValueError, match=r"1\.\.100"):
        Expressions().conjunction([OneOf("a", tuple(map(str, range(101))))])


@pytest.mark.parametrize(
    ("pk", "sk"), [("", "x"), ("x", ""), ("x" * 2_049, "x"), ("x", "y" * 1_025)]
)
def test_keys_beyond_their_limits_are_refused(pk: str, sk: str) -> None:
    with pytest.raises(ValueError, match="bytes"):
        Key(pk=pk, sk=sk)


def test_an_item_beyond_400_kb_is_refused() -> None:
    with pytest.raises(ValueError, match="exceeds"):
        put("T", {"pk": "a", "sk": "b", "x": b"x" * 400 * 1_024})


def test_a_transaction_beyond_its_limits_is_refused(wired: Services) -> None:
    commands = wired.sessions._store._commands  # type: ignore[attr-defined]  # noqa: SLF001 - limits have no public face
    rows = [put("T", {"pk": "a", "sk": str(n)}) for n in range(101)]

    with pytest.raises(ValueError, match="100 items"):
        commands.commit(rows)
    with pytest.raises(ValueError, match="no item twice"):
        commands.commit([rows[0], delete("T", Key(pk="a", sk="0"))])
    big = [put("T", {"pk": "a", "sk": str(n), "x": b"x" * 390_000}) for n in range(11)]
    with pytest.raises(ValueError, match="exceeds"):
        commands.commit(big)


def test_a_write_is_data_until_it_is_sent() -> None:
    key = Key(pk="a", sk="b")
    changed = update("T", key, set_={"name": "x"}, add={"n": 1}, remove=["old"])

    assert changed.request["UpdateExpression"] == "SET #n0 = :v0 ADD #n1 :v1 REMOVE #n2"
    assert "ConditionExpression" not in changed.request
    conditional = check("T", key, when=(Exists("pk"),))
    assert conditional.transact_item["ConditionCheck"]["ConditionExpression"]
    assert conditional.request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"
