"""Webhooks signed by the double of Plaid: forgeries, replays, every code somebody waits for."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient

from budgetbuddy.domain.services import Services
from budgetbuddy.gateways.plaid_webhooks import FETCHES_A_MINUTE
from localcloud.doubles.faults import Fault
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import NOON, Caller, ManualClock  # noqa: TID252 - fixtures' module
from .conftest import Linked

PATH = "/api/v1/plaid/webhook"
KEYS = "/webhook_verification_key/get"
Records = Callable[[], list[dict[str, Any]]]
Send = Callable[..., Any]


def event(item: str, code: str = "SYNC_UPDATES_AVAILABLE", **fields: Any) -> bytes:
    told = {"webhook_type": "TRANSACTIONS", "webhook_code": code, "item_id": item, **fields}
    return json.dumps(told).encode()


def require_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


@pytest.fixture
def send(client: FlaskClient, plaid: PlaidDouble, clock: ManualClock) -> Send:
    """Sends a body as Plaid would, signed now unless a signature is given."""

    def send(body: bytes, signature: str | None = None) -> Any:
        signed = plaid.signature(body, at=clock().timestamp()) if signature is None else signature
        headers = {"Plaid-Verification": signed, "Content-Type": "application/json"}
        return client.post(PATH, data=body, headers=headers)

    return send


# --- What it does --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["SYNC_UPDATES_AVAILABLE", "INITIAL_UPDATE", "HISTORICAL_UPDATE", "DEFAULT_UPDATE"]
)
def test_new_rows_at_the_bank_come_in_by_themselves(linked: Linked, send: Send, code: str) -> None:
    answer = send(event(linked.bank.item_id, code))

    assert (answer.status_code, answer.json) == (200, {"handling": "taken"})
    assert linked.rows()


SOON, LATER = "2026-06-20T00:00:00Z", "2026-12-01T00:00:00Z"


@pytest.mark.parametrize(
    ("code", "error", "consent_until", "problem"),
    [
        ("ERROR", "ITEM_LOGIN_REQUIRED", None, "login_required"),
        ("ERROR", "INTERNAL_SERVER_ERROR", None, None),
        ("ERROR", None, None, None),
        ("PENDING_EXPIRATION", None, SOON, "consent_expiring"),
        ("PENDING_EXPIRATION", None, None, "consent_expiring"),
        ("PENDING_EXPIRATION", None, LATER, None),
        ("PENDING_DISCONNECT", None, None, "consent_expiring"),
        ("PENDING_DISCONNECT", "ITEM_LOGIN_REQUIRED", None, "login_required"),
        ("USER_PERMISSION_REVOKED", "USER_PERMISSION_REVOKED", None, "consent_revoked"),
        ("LOGIN_REPAIRED", None, None, None),
        ("LOGIN_REPAIRED", None, SOON, "consent_expiring"),
    ],
)
def test_what_the_user_has_to_do_at_the_bank_is_asked_for_and_noted(  # noqa: PLR0913, PLR0917 - cases
    linked: Linked,
    send: Send,
    plaid: PlaidDouble,
    code: str,
    error: str | None,
    consent_until: str | None,
    problem: str | None,
) -> None:
    linked.bank.error, linked.bank.consent_until = error, consent_until
    answer = send(event(linked.bank.item_id, code, webhook_type="ITEM"))

    assert (answer.status_code, answer.json["handling"]) == (200, "taken")
    assert plaid.calls["/item/get"] == 1
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert item["problem"] == problem


def test_events_of_a_link_may_come_in_any_order_and_days_late(linked: Linked, send: Send) -> None:
    def shown() -> Any:
        return linked.caller("GET", f"/plaid/items/{linked.id}").json["problem"]

    linked.bank.error = "ITEM_LOGIN_REQUIRED"
    send(event(linked.bank.item_id, "LOGIN_REPAIRED", webhook_type="ITEM"))
    assert shown() == "login_required"
    linked.bank.error = None
    send(event(linked.bank.item_id, "ERROR", webhook_type="ITEM"))
    assert shown() is None


def test_a_link_whose_token_was_revoked_is_noted_as_such(
    linked: Linked, send: Send, plaid: PlaidDouble
) -> None:
    del plaid.banks.items[linked.token]

    assert (
        send(event(linked.bank.item_id, "ERROR", webhook_type="ITEM")).json["handling"] == "taken"
    )
    shown = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert (shown["status"], shown["problem"]) == ("attention", "consent_revoked")


def test_rows_told_of_days_late_and_out_of_order_come_in_once(
    linked: Linked, send: Send, plaid: PlaidDouble, clock: ManualClock
) -> None:
    row = plaid.banks.add(linked.bank, 20.00, "LATE SHOP", date="2026-06-11")
    plaid.banks.modify(linked.bank, row, amount=21.00)
    for code in ("DEFAULT_UPDATE", "INITIAL_UPDATE", "SYNC_UPDATES_AVAILABLE"):
        clock.advance(seconds=1)
        assert send(event(linked.bank.item_id, code)).json == {"handling": "taken"}

    (shop,) = [found for found in linked.rows() if found["description"] == "LATE SHOP"]
    assert shop["amount"]["amount"] == "-21.00"


@pytest.mark.parametrize(
    ("kind", "code"),
    [("ITEM", "NEW_ACCOUNTS_AVAILABLE"), ("TRANSACTIONS", "RECURRING_UPDATE"), ("AUTH", "ERROR")],
)
def test_codes_nobody_waits_for_are_taken_and_ignored(
    linked: Linked, send: Send, plaid: PlaidDouble, kind: str, code: str
) -> None:
    answer = send(event(linked.bank.item_id, code, webhook_type=kind))

    assert (answer.status_code, answer.json["handling"]) == (200, "ignored")
    assert plaid.calls["/transactions/sync"] == 0


def test_an_event_of_an_ended_link_is_taken_and_changes_nothing(linked: Linked, send: Send) -> None:
    linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"1"')

    assert send(event(linked.bank.item_id)).json == {"handling": "taken"}
    assert send(event("item-of-nobody")).json == {"handling": "taken"}


def test_a_bank_that_wants_to_see_its_customer_is_told_once_and_noted(
    linked: Linked, send: Send
) -> None:
    linked.bank.error = "ITEM_LOGIN_REQUIRED"

    assert send(event(linked.bank.item_id)).json == {"handling": "taken"}
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert item["problem"] == "login_required"


# --- Once, and in the end surely ------------------------------------------------------------------


def test_the_same_event_again_is_a_duplicate(
    linked: Linked, send: Send, plaid: PlaidDouble, clock: ManualClock, records: Records
) -> None:
    body = event(linked.bank.item_id)
    signature = plaid.signature(body, at=clock().timestamp())
    answers = [send(body, signature) for _ in range(3)]

    assert [a.json["handling"] for a in answers] == ["taken", "duplicate", "duplicate"]
    assert plaid.calls["/transactions/sync"] == 1
    lines = records()
    assert sum(line.get("WebhookReceived", 0) for line in lines) == 3
    assert sum(line.get("WebhookDuplicate", 0) for line in lines) == 2


def test_an_event_that_cannot_be_handled_now_is_taken_when_it_comes_again(
    linked: Linked, send: Send, plaid: PlaidDouble, clock: ManualClock
) -> None:
    body = event(linked.bank.item_id)
    signature = plaid.signature(body, at=clock().timestamp())
    plaid.fail("/transactions/sync", Fault(body=b"no json"))

    require_problem(send(body, signature), 502, "upstream_invalid")
    assert send(body, signature).json == {"handling": "taken"}
    assert linked.rows()


def test_an_event_during_a_sync_comes_again(linked: Linked, send: Send, wired: Services) -> None:
    user = wired.authenticator.authenticate(linked.caller.token).user
    wired.bank_links.ledger.lease(user, linked.id, "somebody")

    require_problem(send(event(linked.bank.item_id)), 409, "sync_running")


# --- Forgeries -----------------------------------------------------------------------------------


def forged(plaid: PlaidDouble, body: bytes, **header: Any) -> str:
    """A token signed by somebody else under Plaid's key id."""
    claims = jwt.decode(plaid.signature(body, at=NOON.timestamp()), options=UNVERIFIED)
    stranger = ec.generate_private_key(ec.SECP256R1())
    headers = {"kid": plaid.keys[-1].kid, **header}
    return jwt.encode(claims, stranger, algorithm="ES256", headers=headers)


UNVERIFIED: Any = {"verify_signature": False, "verify_iat": False}


def test_a_body_that_was_not_signed_is_refused_and_not_read(
    linked: Linked, send: Send, plaid: PlaidDouble, records: Records
) -> None:
    body = event(linked.bank.item_id)
    other = plaid.signature(body + b" ", at=NOON.timestamp())
    for signature in ("", "x", "a.b.c", "x" * 5_000, other, forged(plaid, body)):
        require_problem(send(body, signature), 401, "signature_invalid")

    assert linked.rows() == []
    assert sum(line.get("WebhookRejected", 0) for line in records()) == 6


def test_other_algorithms_and_key_ids_are_refused_before_a_key_is_asked_for(
    send: Send, plaid: PlaidDouble
) -> None:
    body, kid = event("item"), plaid.keys[-1].kid
    secret = "s" * 64
    tokens = [
        jwt.encode({"iat": 1}, secret, algorithm="HS256", headers={"kid": kid}),
        jwt.encode({"iat": 1}, "", algorithm="none", headers={"kid": kid}),
        forged(plaid, body, kid="../../etc/passwd"),
        forged(plaid, body, kid=""),
    ]
    for token in tokens:
        require_problem(send(body, token), 401, "signature_invalid")

    assert plaid.calls[KEYS] == 0


@pytest.mark.parametrize(
    ("age", "status"), [(0, 200), (299, 200), (301, 401), (-9, 200), (-60, 401)]
)
def test_a_signature_is_good_for_five_minutes_and_not_before_it_was_made(
    send: Send, plaid: PlaidDouble, age: int, status: int
) -> None:
    body = event("item")

    assert send(body, plaid.signature(body, at=NOON.timestamp() - age)).status_code == status


def test_a_rotated_key_is_learned_and_an_expired_one_refused(
    send: Send, plaid: PlaidDouble
) -> None:
    body = event("item")
    old = plaid.signature(body, at=NOON.timestamp())
    plaid.rotate_key()

    assert send(body).status_code == 200
    require_problem(send(body, old), 401, "signature_invalid")


def test_a_key_is_asked_for_once(send: Send, plaid: PlaidDouble) -> None:
    for number in range(3):
        assert send(event(f"item{number}")).status_code == 200

    assert plaid.calls[KEYS] == 1


def test_unknown_key_ids_are_asked_for_once_each_and_a_few_times_a_minute(
    send: Send, plaid: PlaidDouble
) -> None:
    body, unknown = event("item"), str(uuid.uuid4())
    for _ in range(3):
        require_problem(send(body, forged(plaid, body, kid=unknown)), 401, "signature_invalid")
    assert plaid.calls[KEYS] == 1
    for _ in range(FETCHES_A_MINUTE - 1):
        send(body, forged(plaid, body, kid=str(uuid.uuid4())))

    flood = send(body, forged(plaid, body, kid=str(uuid.uuid4())))
    require_problem(flood, 503, "keys_unavailable")
    assert plaid.calls[KEYS] == FETCHES_A_MINUTE


def test_without_plaids_keys_the_event_is_to_come_again(send: Send, plaid: PlaidDouble) -> None:
    plaid.fail(KEYS, Fault(status=500, code="INTERNAL_SERVER_ERROR"))
    body = event("item")

    require_problem(send(body), 503, "keys_unavailable")
    assert send(body).status_code == 200


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"{}", b'"text"', b"\xff"])
def test_a_signed_body_of_another_shape_is_malformed(send: Send, body: bytes) -> None:
    require_problem(send(body), 400, "malformed_request")


def test_an_event_is_json_of_bounded_size(client: FlaskClient, send: Send) -> None:
    require_problem(client.post(PATH, data=b"x"), 415, "unsupported_media_type")
    require_problem(send(b" " * (512 * 1_024 + 1)), 413, "payload_too_large")


def test_a_token_of_a_user_opens_nothing_here(signed_in: Caller) -> None:
    answer = signed_in("POST", "/plaid/webhook", {"webhook_type": "ITEM"})

    require_problem(answer, 401, "signature_invalid")
