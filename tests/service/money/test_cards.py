"""Card numbers are seen however they are written; other long numbers are left alone."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.cards import contains_card_number, mask_card_numbers

VISA = "4111111111111111"


@pytest.mark.parametrize(
    "text",
    [
        VISA,
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        f"Ref 99 {VISA} thanks",
        f"{VISA} 42",
        "3782 822463 10005",
        "5555555555554444",
        "4222222222222",
        "6304000000000000000",
    ],
)
def test_card_numbers_are_found(text: str) -> None:
    assert contains_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Invoice 2026-000123",
        "4111111111111112",
        "1111111111111117",
        "0000000000000000",
        "9999999999999995",
        "411111111111",
        f"{VISA}00000000",
        "DE89 3704 0044 0532 0130 00",
        "41111111-1111-4111-8111-111111111111",
        "Ref 550e8400-e29b-41d4-a716-422222222222",
        "commit a4111111111111111bcdef0123456789abcdef01",
        "md5 4111111111111111abcdef0123456789",
        "object 64f14111111111111111abcd",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert not contains_card_number(text)


def test_masking_keeps_the_last_four_digits_and_the_text_around() -> None:
    assert mask_card_numbers(f"a {VISA} b 4222 2222 2222 2 c") == "a •••• 1111 b •••• 2222 c"


@given(st.uuids(), st.binary(max_size=8))
def test_no_uuid_and_no_digest_is_taken_for_one(identifier: uuid.UUID, content: bytes) -> None:
    digests = [hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256")]

    for text in (str(identifier), identifier.hex, *digests):
        assert not contains_card_number(f"Ref {text}") or text.isdigit()


@pytest.mark.parametrize("text", [f"card{VISA}", f"a{VISA}", f"{VISA}x", f"n° {VISA}, {VISA}"])
def test_letters_beside_a_card_number_do_not_hide_it(text: str) -> None:
    assert contains_card_number(text)


@given(st.text(alphabet="0123456789 -a4", max_size=80))
def test_masked_text_holds_no_card_number_where_one_could_be_found(text: str) -> None:
    masked = mask_card_numbers(text)

    assert (masked != text) == contains_card_number(text)
