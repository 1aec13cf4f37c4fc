"""Identifiers are well-formed, unique and rising, whatever the clock does."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.ids import (
    Kind,
    base32,
    is_id,
    make_id,
    number_of,
    numbered_id,
    pattern,
    require_id,
)
from budgetbuddy.problems import NotFound

SHAPE = re.compile(
    r"^(usr|acc|txn|trf|cat|rul|rec|gol|ctb|imp|exp|job|itm|whk|dlv|pat|ses|evt|alr)"
    r"_[0-7][0-9a-hjkmnp-tv-z]{25}$"
)
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def number(identifier: str) -> int:
    value = 0
    for character in identifier.partition("_")[2]:
        value = value * 32 + ALPHABET.index(character)
    return value


@given(st.sampled_from(Kind))
def test_an_id_has_its_kinds_shape(kind: Kind) -> None:
    identifier = make_id(kind)

    assert SHAPE.fullmatch(identifier)
    assert re.fullmatch(pattern(kind), identifier)
    assert is_id(kind, identifier)
    assert not any(is_id(other, identifier) for other in Kind if other is not kind)


def test_an_id_is_a_uuid_of_version_7_and_now() -> None:
    before = time.time_ns() // 1_000_000
    value = number(make_id(Kind.USER))

    assert value >> 76 & 0xF == 7
    assert value >> 62 & 0b11 == 0b10
    assert 0 <= (value >> 80) - before < 5_000


def test_ids_of_many_threads_are_unique() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make_id(Kind.EVENT), range(5_000)))

    assert len(set(made)) == 5_000


def test_ids_rise_within_a_millisecond_and_when_the_clock_goes_back() -> None:
    with time_machine.travel("2030-01-01T00:00:01Z", tick=False) as moved:
        made = [make_id(Kind.EVENT) for _ in range(2_000)]
        moved.move_to("2030-01-01T00:00:00Z")
        made += [make_id(Kind.EVENT) for _ in range(100)]

    assert made == sorted(made)
    assert len(set(made)) == len(made)


@given(st.integers(min_value=0, max_value=2**128 - 1))
def test_base32_is_exact(value: int) -> None:
    assert number(f"usr_{base32(value)}") == value


@given(st.text(max_size=40))
def test_any_other_text_is_a_missing_resource(text: str) -> None:
    if is_id(Kind.ACCOUNT, text):
        return
    with pytest.raises(NotFound):
        require_id(Kind.ACCOUNT, text)


@pytest.mark.parametrize(
    "text", ["acc_" + "8" * 26, "acc_" + "0" * 25 + "i", "acc_" + "0" * 26 + "\n"]
)
def test_near_misses_are_no_ids(text: str) -> None:
    assert not is_id(Kind.ACCOUNT, text)


@given(st.integers(0, 1023))
def test_a_numbered_id_is_sound_and_says_its_number_and_nothing_of_its_owner(which: int) -> None:
    owner = make_id(Kind.USER)
    made = numbered_id(Kind.CATEGORY, owner, which)

    assert is_id(Kind.CATEGORY, made)
    assert number(made) >> 76 & 0xF == 7
    assert number(made) >> 80 == number(owner) >> 80
    assert number_of(made) == which
    assert number_of(made[-2:]) == which
    assert made == numbered_id(Kind.CATEGORY, owner, which)
    assert made[15:] not in owner


def test_numbered_ids_rise_with_their_numbers_and_no_two_owners_share_one() -> None:
    owners = [make_id(Kind.USER) for _ in range(20)]
    made = [[numbered_id(Kind.CATEGORY, owner, n) for n in range(1024)] for owner in owners]

    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 20 * 1024
