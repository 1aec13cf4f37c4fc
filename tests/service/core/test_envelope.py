"""Personal text opens only where it was sealed, for whom it was sealed, with a living key."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import SealBroken, UserRef
from budgetbuddy.problems import SessionRevoked, Unavailable
from budgetbuddy.security.envelope import CACHE_SECONDS, Envelope

from ..conftest import Account  # noqa: TID252 - fixtures' module

PLACE = "Ledger|U#1|A#1|x"


def user() -> UserRef:
    return UserRef(id=make_id(Kind.USER), subject=make_id(Kind.EVENT))


class Keys:
    """An envelope, the wrapped keys behind it, and a clock for its cache."""

    def __init__(self, aws: Account) -> None:
        self.kms: Any = aws.sdk.client("kms")
        self.key_id = aws.key_id
        self.wrapped: dict[str, bytes] = {}
        self.now = 0.0
        self.calls: list[str] = []
        self.kms.meta.events.register(
            "before-call.kms", lambda model, **_: self.calls.append(model.name)
        )
        self.envelope = self.fresh()

    def fresh(self) -> Envelope:
        return Envelope(self.kms, self.key_id, self.wrapped.get, monotonic=lambda: self.now)

    def enrol(self) -> UserRef:
        who = user()
        self.wrapped[who.id] = self.envelope.create_key(who)
        return who


@pytest.fixture
def keys(aws: Account) -> Keys:
    return Keys(aws)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(plain=st.binary(max_size=500))
def test_what_was_sealed_opens_again(keys: Keys, plain: bytes) -> None:
    who = keys.enrol()
    sealed = keys.envelope.seal(who, PLACE, plain)

    assert len(sealed) == len(plain) + 30
    assert keys.fresh().open(who, PLACE, sealed) == plain


def test_the_same_text_never_looks_the_same(keys: Keys) -> None:
    who = keys.enrol()

    assert keys.envelope.seal(who, PLACE, b"x") != keys.envelope.seal(who, PLACE, b"x")


@pytest.mark.parametrize(
    "place", ["Ledger|U#2|A#1|x", "Ledger|U#1|A#2|x", "Runtime|U#1|A#1|x", "Ledger|U#1|A#1|y"]
)
def test_a_blob_in_another_place_does_not_open(keys: Keys, place: str) -> None:
    who = keys.enrol()
    sealed = keys.envelope.seal(who, PLACE, b"secret")

    with pytest.raises(SealBroken):
        keys.envelope.open(who, place, sealed)


def test_a_blob_of_another_user_does_not_open(keys: Keys) -> None:
    ann, bob = keys.enrol(), keys.enrol()
    sealed = keys.envelope.seal(ann, PLACE, b"secret")

    with pytest.raises(SealBroken):
        keys.envelope.open(bob, PLACE, sealed)


def test_a_blob_with_any_byte_changed_does_not_open(keys: Keys) -> None:
    who = keys.enrol()
    sealed = keys.envelope.seal(who, PLACE, b"secret")

    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(SealBroken):
            keys.envelope.open(who, PLACE, bytes(changed))
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            keys.envelope.open(who, PLACE, sealed[:length])


def test_a_wrapped_key_serves_only_the_subject_it_was_made_for(keys: Keys) -> None:
    ann, bob = keys.enrol(), keys.enrol()
    keys.wrapped[bob.id] = keys.wrapped[ann.id]

    with pytest.raises(SealBroken):
        keys.fresh().seal(bob, PLACE, b"x")


def test_a_shredded_key_makes_everything_unreadable(keys: Keys) -> None:
    who = keys.enrol()
    sealed = keys.envelope.seal(who, PLACE, b"secret")
    del keys.wrapped[who.id]
    keys.now += CACHE_SECONDS + 1

    with pytest.raises(SessionRevoked):
        keys.envelope.open(who, PLACE, sealed)


def test_kms_is_asked_once_in_five_minutes(keys: Keys) -> None:
    who = keys.enrol()
    envelope = keys.fresh()
    keys.calls.clear()
    for _ in range(3):
        envelope.seal(who, PLACE, b"x")
    assert keys.calls == ["Decrypt"]
    keys.now += CACHE_SECONDS + 1
    envelope.seal(who, PLACE, b"x")

    assert keys.calls == ["Decrypt", "Decrypt"]


def test_without_kms_there_is_no_fallback_to_clear_text(keys: Keys) -> None:
    who = keys.enrol()
    sealed = keys.envelope.seal(who, PLACE, b"x")
    keys.kms.meta.events.register("before-send.kms.*", _unreachable)

    assert keys.envelope.open(who, PLACE, sealed) == b"x"
    with pytest.raises(Unavailable):
        keys.fresh().open(who, PLACE, sealed)
    with pytest.raises(Unavailable):
        keys.envelope.create_key(user())


def _unreachable(**_: Any) -> None:
    raise EndpointConnectionError(endpoint_url="https://kms.invalid")
