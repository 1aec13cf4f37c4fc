"""Access tokens, cursors and lookups: what was not made by us, for this use and now, is refused."""

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetbuddy.domain.identity import (
    Preferences,
    Profile,
    Session,
)
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.problems import InvalidCursor, Problem, TokenExpired, TokenInvalid
from budgetbuddy.security.cursors import LONGEST, SignedCursors
from budgetbuddy.security.tokens import JwtTokens, KeyedLookups, KeyRing

from ..conftest import NOON, ManualClock  # noqa: TID252 - fixtures' module

OLD, NEW = b"o" * 32, b"n" * 32
RING = KeyRing(current="new", keys={"new": NEW, "old": OLD})
USER = UserRef(id=make_id(Kind.USER), subject="5" * 32)
SESSION = Session(
    id=make_id(Kind.SESSION),
    user=USER,
    token_hash="",
    rotated_at=NOON,
    auth_time=NOON,
    created_at=NOON,
    expires_at=NOON + timedelta(days=30),
    epoch=1,
)
PROFILE = Profile(
    user=USER,
    email="a@example.com",
    email_hash="h",
    password_hash="p",
    preferences=Preferences(),
    created_at=NOON,
)
BOUND = {"subject": USER.subject, "route": "/api/v1/things", "filters": "f"}


def tokens(ring: KeyRing = RING) -> JwtTokens:
    return JwtTokens(ring, ManualClock())


def forged(key: bytes = NEW, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A token like ours with some claims changed; `None` leaves one out."""
    claims = jwt.decode(
        tokens().access(PROFILE, SESSION, NOON),
        NEW,
        algorithms=["HS256"],
        audience="budgetbuddy-api",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    headers = {"kid": "new", "typ": "at+jwt", **(header or {})}
    return jwt.encode(claims, key, algorithm="HS256", headers=headers)


def unsigned(algorithm: str) -> str:
    def part(document: Any) -> str:
        raw = json.dumps(document).encode()
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = {"alg": algorithm, "kid": "new", "typ": "at+jwt"}
    return f"{part(head)}.{tokens().access(PROFILE, SESSION, NOON).split('.')[1]}."


def test_our_own_token_is_read_back() -> None:
    claims = tokens().read_access(tokens().access(PROFILE, SESSION, NOON))

    assert (claims["sub"], claims["sid"]) == (USER.id, SESSION.id)
    assert claims["exp"] - claims["iat"] == 900


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(unsigned("none"), id="alg none"),
        pytest.param(unsigned("None"), id="alg None"),
        pytest.param(unsigned("RS256"), id="alg RS256"),
        pytest.param(forged(b"x" * 32), id="foreign key"),
        pytest.param(forged(header={"kid": "unknown"}), id="unknown kid"),
        pytest.param(forged(header={"typ": "JWT"}), id="another type"),
        pytest.param(forged(header={"jku": "https://evil.example"}), id="jku"),
        pytest.param(forged(header={"crit": ["x"]}), id="crit"),
        pytest.param(forged(header={"x5u": "https://evil.example"}), id="x5u"),
        pytest.param(forged(iss="somebody"), id="issuer"),
        pytest.param(forged(aud="another-api"), id="audience"),
        pytest.param(forged(aud=["budgetbuddy-api", 7]), id="audience of another type"),
        pytest.param(forged(sid=None), id="without session"),
        pytest.param(forged(epoch=None), id="without epoch"),
        pytest.param(forged(exp="9999999999"), id="exp as text"),
        pytest.param(forged(exp=True), id="exp as bool"),
        pytest.param(forged(nbf=int(NOON.timestamp()) + 60), id="not yet valid"),
        pytest.param(forged(iat=int(NOON.timestamp()) + 60), id="issued in the future"),
        pytest.param("a.b.c", id="nonsense"),
        pytest.param("", id="empty"),
        pytest.param("x" * 5_000, id="too long"),
    ],
)
def test_a_forged_token_is_invalid(token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().read_access(token)


def test_a_token_expires_after_fifteen_minutes_and_ten_seconds() -> None:
    clock = ManualClock()
    reader = JwtTokens(RING, clock)
    token = reader.access(PROFILE, SESSION, NOON)
    clock.advance(seconds=909)
    assert reader.read_access(token)["sub"] == USER.id
    clock.advance(seconds=1)

    with pytest.raises(TokenExpired):
        reader.read_access(token)


def test_both_live_keys_verify_and_a_dropped_one_does_not() -> None:
    before = KeyRing(current="old", keys={"old": OLD})
    token = tokens(before).access(PROFILE, SESSION, NOON)

    assert tokens(RING).read_access(token)["sub"] == USER.id
    with pytest.raises(TokenInvalid):
        tokens(KeyRing(current="new", keys={"new": NEW})).read_access(token)


def test_a_short_key_fails_at_once() -> None:
    with pytest.raises(ValueError, match="shorter than 32"):
        KeyRing(current="k", keys={"k": b"short"})


@given(st.text(max_size=300))
def test_any_text_as_a_refresh_token_is_a_problem_and_never_a_crash(text: str) -> None:
    with pytest.raises(Problem):
        tokens().read_refresh(text)


# --- Cursors -------------------------------------------------------------------------------------

POSITIONS = st.dictionaries(st.sampled_from(["sk", "d", "a"]), st.text(max_size=100), max_size=3)


@given(POSITIONS)
def test_a_cursor_returns_the_position_it_was_made_from(position: dict[str, str]) -> None:
    cursors = SignedCursors(RING, ManualClock())
    cursor = cursors.encode(**BOUND, position=position)

    assert len(cursor) <= LONGEST
    assert cursors.decode(cursor, **BOUND) == position


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_cursor_with_any_byte_changed_is_refused(where: int, flip: int) -> None:
    cursors = SignedCursors(RING, ManualClock())
    raw = bytearray(_raw(cursors.encode(**BOUND, position={"sk": "T#1"})))
    raw[where % len(raw)] ^= flip

    with pytest.raises(InvalidCursor):
        cursors.decode(base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), **BOUND)


@given(st.text(max_size=200))
def test_any_text_as_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        SignedCursors(RING, ManualClock()).decode(text, **BOUND)


@pytest.mark.parametrize("changed", ["subject", "route", "filters"])
def test_a_cursor_is_good_for_its_user_route_and_filters_only(changed: str) -> None:
    cursors = SignedCursors(RING, ManualClock())
    cursor = cursors.encode(**BOUND, position={"sk": "T#1"})

    with pytest.raises(InvalidCursor):
        cursors.decode(cursor, **{**BOUND, changed: "another"})


def test_a_cursor_lives_for_a_day_and_through_a_rotation() -> None:
    clock = ManualClock()
    cursor = SignedCursors(KeyRing(current="old", keys={"old": OLD}), clock).encode(
        **BOUND, position={"sk": "T#1"}
    )
    rotated = SignedCursors(RING, clock)
    clock.advance(hours=23, minutes=59)
    assert rotated.decode(cursor, **BOUND) == {"sk": "T#1"}
    clock.advance(minutes=2)

    with pytest.raises(InvalidCursor):
        rotated.decode(cursor, **BOUND)


def test_lookups_keep_purposes_apart() -> None:
    lookups = KeyedLookups(b"l" * 32)

    assert lookups.email("Straße@Example.com") == lookups.email("STRASSE@example.com")
    assert lookups.code("a", "b") != lookups.limit("a|b")
    assert KeyedLookups(b"m" * 32).email("a@b.c") != lookups.email("a@b.c")


def _raw(cursor: str) -> bytes:
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
