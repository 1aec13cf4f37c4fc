"""Webhooks: subscribed, told what happens, signed, tried again, given up, replayed."""

import functools
import hashlib
import hmac
import io
import json
import threading
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy import composition_webhooks
from budgetbuddy.composition import build_services
from budgetbuddy.domain.deliveries import PAUSES
from budgetbuddy.domain.messages import Message, MessageKind
from budgetbuddy.domain.services import Services
from budgetbuddy.domain.webhooks import FAILURES_ALLOWED, LIMIT, SUBSCRIBABLE
from budgetbuddy.gateways.bell import Bell
from budgetbuddy.gateways.outgoing import WebhookSender
from budgetbuddy.problems import UpstreamUnavailable
from budgetbuddy.settings import Settings, load_settings

from ..conftest import (  # noqa: TID252 - fixtures' module
    PASSWORD,
    TINY,
    Account,
    Caller,
    ManualClock,
    create_tables,
    environment,
    mailed,
)
from .receivers import HOST, Certified, Network, Received, Receiver

URL = f"https://{HOST}/in"
EURO = {"amount": "-12.50", "currency": "EUR"}


@pytest.fixture
def settings(aws: Account) -> Settings:
    create_tables(aws.sdk.client("dynamodb"), "Hooks")
    return load_settings(environment(DYNAMODB_TABLE_PREFIX="Hooks", DATA_KEY_ID=aws.key_id))


@pytest.fixture
def wired(  # noqa: PLR0913, PLR0917 - fixtures
    settings: Settings,
    clock: ManualClock,
    aws: Account,
    network: Network,
    certificate: Certified,
    monkeypatch: pytest.MonkeyPatch,
) -> Services:
    """The service, whose way to the internet ends at the receiver."""
    sender = functools.partial(
        WebhookSender, resolve=network.resolve, dial=network.dial, tls=certificate.client
    )
    monkeypatch.setattr(composition_webhooks, "WebhookSender", sender)
    return build_services(settings, clock=clock, argon2=TINY, remembered_seconds=0, session=aws.sdk)


def subscribe(caller: Caller, *events: str, url: str = URL) -> dict[str, Any]:
    body = {"url": url, "events": list(events) or [str(event) for event in SUBSCRIBABLE]}
    made = caller("POST", "/webhooks", body)
    assert made.status_code == 201, made.json
    return dict(made.json)


def open_account(caller: Caller) -> str:
    body = {"name": "Giro", "kind": "checking", "currency": "EUR"}
    return str(caller("POST", "/accounts", body).json["id"])


def spend(caller: Caller, account: str, key: str = "k" * 8, **fields: Any) -> dict[str, Any]:
    row = {"accountId": account, "date": "2026-06-01", "amount": EURO, "description": "Flowers"}
    made = caller("POST", "/transactions", {**row, **fields}, key=key)
    assert made.status_code == 201, made.json
    return dict(made.json)


def log(caller: Caller, hook: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = caller("GET", f"/webhooks/{hook['id']}/deliveries").json["items"]
    return items


def told(receiver: Receiver) -> list[str]:
    return [json.loads(request.body)["type"] for request in receiver.received]


def marks(secret: str, request: Received) -> tuple[str, list[str]]:
    """What a receiver computes, and what was sent."""
    at, *sent = (
        part.partition("=")[2] for part in request.headers["BudgetBuddy-Signature"].split(",")
    )
    signed = at.encode() + b"." + request.body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), sent


def test_what_happens_is_told_once_signed_and_without_what_it_says(
    signed_in: Caller, receiver: Receiver, clock: ManualClock
) -> None:
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created", "account.updated")
    row = spend(signed_in, account)

    assert sorted(told(receiver)) == ["account.updated", "transaction.created"]
    (request,) = [r for r in receiver.received if b"transaction.created" in r.body]
    event = json.loads(request.body)
    assert event["data"] == {"type": "transaction", "id": row["id"], "version": 1}
    assert event["id"] == request.headers["BudgetBuddy-Event-Id"]
    expected, sent = marks(hook["secret"], request)
    assert sent == [expected]
    assert f"t={int(clock().timestamp())}," in request.headers["BudgetBuddy-Signature"]
    assert b"Flowers" not in b"".join(r.body for r in receiver.received)
    assert {(d["status"], d["attempt"], d["httpStatus"]) for d in log(signed_in, hook)} == {
        ("delivered", 1, 200)
    }


def test_only_what_was_asked_for_and_only_from_then_on(
    signed_in: Caller, receiver: Receiver
) -> None:
    account = open_account(signed_in)
    spend(signed_in, account, "before-it")
    subscribe(signed_in, "transaction.deleted", "transaction.updated")
    row = spend(signed_in, account, "after-it")
    at = f"/transactions/{row['id']}"
    signed_in("PATCH", at, {"notes": "for Eve"}, If_Match='"1"')
    signed_in("DELETE", at, If_Match='"2"')

    assert told(receiver) == ["transaction.updated", "transaction.deleted"]


def test_every_kind_of_event_is_told(signed_in: Caller, receiver: Receiver) -> None:
    account = open_account(signed_in)
    subscribe(signed_in)
    category = signed_in("GET", "/categories").json["items"][0]["id"]
    euros = {"amount": "20.00", "currency": "EUR"}
    budget = {
        "limit": {"amount": "16.00", "currency": "EUR"},
        "period": "monthly",
        "rollover": "none",
    }
    signed_in("PUT", f"/budgets/{category}", budget, If_None_Match="*")
    row = spend(signed_in, account, date="2026-06-10", categoryId=category)
    goal = signed_in("POST", "/goals", {"name": "Bicycle", "target": euros}).json["id"]
    given = {"amount": {"amount": "10.00", "currency": "EUR"}, "date": "2026-06-01"}
    signed_in("POST", f"/goals/{goal}/contributions", given, key="contribution")
    signed_in("DELETE", f"/transactions/{row['id']}", If_Match='"1"', key="d" * 8)
    signed_in("POST", f"/transactions/{row['id']}/restore")
    options = {"accountId": account, "format": "csv"}
    file = b"date,amount,description\n2026-06-01,-1.00,Milk\n"
    form = {"options": json.dumps(options), "file": (io.BytesIO(file), "a.csv")}
    imported: Any = signed_in.client.post(
        "/api/v1/imports",
        data=form,
        headers={"Authorization": f"Bearer {signed_in.token}", "Idempotency-Key": "i" * 8},
    )
    assert imported.status_code == 202, imported.json

    events = [json.loads(request.body) for request in receiver.received]
    by_type = {event["type"]: event["data"] for event in events}
    expected = {str(event) for event in SUBSCRIBABLE} - {"plaid.item_needs_attention"}
    assert set(by_type) == expected
    assert by_type["goal.milestone_reached"] == {"type": "goal", "id": goal, "milestone": 50}
    (alert,) = [e["data"] for e in events if e["type"] == "budget.threshold_reached"]
    assert alert["threshold"] == 75
    (found,) = signed_in("GET", "/budgets/alerts").json["items"]
    assert found["id"] == alert["id"]
    assert by_type["import.finished"] == {
        "type": "import",
        "id": imported.json["result"]["importId"],
    }
    assert len({event["id"] for event in events}) == len(events)


def test_while_a_secret_is_rotated_both_sign(
    signed_in: Caller, receiver: Receiver, clock: ManualClock
) -> None:
    hook = subscribe(signed_in)
    at = f"/webhooks/{hook['id']}"
    new = signed_in("POST", f"{at}/rotate-secret", {"overlapHours": 1})
    assert new.status_code == 200, new.json
    assert new.json["previousUntil"] == "2026-06-15T13:00:00.000Z"
    signed_in("POST", f"{at}/test")
    clock.advance(minutes=14)
    clock.advance(minutes=46)
    login = {"email": "ann@example.com", "password": PASSWORD}
    later = Caller(signed_in.client, signed_in("POST", "/auth/login", login).json["accessToken"])
    later("POST", f"{at}/test")
    later("POST", f"{at}/rotate-secret", {"overlapHours": 0})
    later("POST", f"{at}/test")

    first, second, third = receiver.received
    both = [marks(secret, first)[0] for secret in (new.json["secret"], hook["secret"])]
    assert marks(hook["secret"], first)[1] == both
    assert marks(new.json["secret"], second)[1] == [marks(new.json["secret"], second)[0]]
    assert marks(new.json["secret"], third)[0] not in marks("", third)[1]


def test_what_fails_is_tried_eight_times_later_each_time(
    signed_in: Caller, receiver: Receiver, clock: ManualClock, wired: Services
) -> None:
    receiver.status = 500
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created")
    spend(signed_in, account)
    (seen,) = log(signed_in, hook)
    assert (seen["status"], seen["attempt"], seen["fault"]) == ("pending", 1, "status")

    wired.notices.sweep()
    assert len(receiver.received) == 1
    for number, pause in enumerate(PAUSES, start=2):
        clock.advance(seconds=pause * 0.89)
        wired.notices.sweep()
        assert len(receiver.received) == number - 1
        clock.advance(seconds=pause * 0.22)
        wired.notices.sweep()
        assert len(receiver.received) == number
    clock.advance(days=2)
    wired.notices.sweep()

    assert len(receiver.received) == len(PAUSES) + 1 == 8
    user = signed_in.session["user"]["id"]
    (row,) = wired.deliveries.page(user_ref(wired, user), hook["id"], limit=9, start=None).items
    assert (row.status, row.attempts, row.next_at) == ("failed", 8, None)
    assert len({request.headers["BudgetBuddy-Event-Id"] for request in receiver.received}) == 1


def user_ref(wired: Services, user_id: str) -> Any:
    return wired.notices.outbox.find(user_id)


def test_a_receiver_that_is_well_again_gets_it(
    signed_in: Caller, receiver: Receiver, clock: ManualClock, wired: Services
) -> None:
    receiver.status = 503
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created")
    spend(signed_in, account)
    receiver.status = 204
    clock.advance(seconds=70)
    wired.notices.sweep()

    (seen,) = log(signed_in, hook)
    assert (seen["status"], seen["attempt"], seen["nextAttemptAt"]) == ("delivered", 2, None)
    assert signed_in("GET", f"/webhooks/{hook['id']}").json["failures"] == 0


def test_after_twenty_failures_in_a_row_it_is_switched_off_and_its_owner_told(
    signed_in: Caller, receiver: Receiver, trail: Callable[[Caller], list[str]]
) -> None:
    receiver.status = 500
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created")
    at = f"/webhooks/{hook['id']}"
    row = {"accountId": account, "date": "2026-06-01", "amount": EURO, "description": "x"}
    operations = [{"op": "create", "transaction": row}] * FAILURES_ALLOWED
    body = {"atomic": True, "operations": operations}
    assert signed_in("POST", "/transactions/bulk", body, key="bulk-one").status_code == 200

    shown = signed_in("GET", at).json
    assert (shown["enabled"], shown["disabledBy"], shown["failures"]) == (False, "failures", 20)
    mails = [mail for mail in mailed("ann@example.com") if hook["id"] in mail]
    assert len(mails) == 1
    assert HOST not in mails[0]
    assert trail(signed_in).count("webhook.updated") == 1
    spend(signed_in, account)
    assert len(receiver.received) == FAILURES_ALLOWED
    for path in (f"{at}/test", f"{at}/deliveries/{log(signed_in, hook)[0]['id']}/replay"):
        answer = signed_in("POST", path)
        assert (answer.status_code, answer.json["code"]) == (409, "webhook_disabled")

    receiver.status = 200
    back = signed_in("PATCH", at, {"enabled": True}, If_Match=f'"{shown["version"]}"').json
    assert (back["enabled"], back["failures"]) == (True, 0)
    lost = log(signed_in, hook)[-1]
    again = signed_in("POST", f"{at}/deliveries/{lost['id']}/replay")
    assert again.status_code == 202, again.json
    assert again.json["eventId"] == lost["eventId"]
    assert again.json["id"] != lost["id"]
    assert log(signed_in, hook)[0]["status"] == "delivered"


def test_what_is_switched_off_or_removed_while_it_waits_is_not_sent(
    signed_in: Caller, receiver: Receiver, clock: ManualClock, wired: Services
) -> None:
    receiver.status = 500
    account = open_account(signed_in)
    kept, gone = (subscribe(signed_in, "transaction.created") for _ in range(2))
    spend(signed_in, account)
    signed_in("PATCH", f"/webhooks/{kept['id']}", {"enabled": False}, If_Match='"1"')
    signed_in("DELETE", f"/webhooks/{gone['id']}", If_Match='"1"')
    receiver.received.clear()
    clock.advance(seconds=70)
    wired.notices.sweep()

    assert receiver.received == []
    (seen,) = log(signed_in, kept)
    assert (seen["status"], seen["nextAttemptAt"]) == ("cancelled", None)
    assert signed_in("GET", f"/webhooks/{gone['id']}/deliveries").status_code == 404
    user = signed_in.session["user"]["id"]
    assert wired.deliveries.due(user) == []


def test_the_log_shows_what_was_sent_and_how_the_answer_began(
    signed_in: Caller, receiver: Receiver, stored: Callable[[], str]
) -> None:
    receiver.status, receiver.body = 422, b"z" * 5_000
    hook = subscribe(signed_in)
    made = signed_in("POST", f"/webhooks/{hook['id']}/test", key="test-once")
    assert made.status_code == 202
    shown = signed_in("GET", f"/webhooks/{hook['id']}/deliveries/{made.json['id']}").json

    assert shown["requestBody"].encode() == receiver.received[0].body
    assert shown["responseBody"] == "z" * 2_048
    assert (shown["status"], shown["httpStatus"], shown["event"]) == ("failed", 422, "webhook.test")
    for secret in (HOST, hook["secret"], "zzzz"):
        assert secret not in stored()


def test_an_address_within_is_refused_at_once_or_when_its_name_is_looked_up(
    signed_in: Caller, network: Network, receiver: Receiver
) -> None:
    body = {"url": "https://169.254.169.254/", "events": ["account.updated"]}
    refused = signed_in("POST", "/webhooks", body)
    assert (refused.status_code, refused.json["code"]) == (422, "url_not_allowed")
    hook = subscribe(signed_in)
    at = f"/webhooks/{hook['id']}"
    changed = signed_in("PATCH", at, {"url": "http://hooks.example.com/"}, If_Match='"1"')
    assert (changed.status_code, changed.json["code"]) == (422, "url_not_allowed")

    network.answers = [["127.0.0.1"]]
    signed_in("POST", f"{at}/test")
    (seen,) = log(signed_in, hook)
    assert (seen["status"], seen["fault"]) == ("failed", "address_not_allowed")
    assert (network.dialled, receiver.received) == ([], [])


def test_there_are_ten_at_most_and_a_secret_is_shown_once(signed_in: Caller) -> None:
    for number in range(LIMIT):
        hook = subscribe(signed_in, url=f"https://{HOST}/{number}")
    assert hook["secret"].startswith("whsec_")
    listed = signed_in("GET", "/webhooks").json["items"]
    assert len(listed) == LIMIT
    assert "secret" not in str(listed)
    answer = signed_in("POST", "/webhooks", {"url": URL, "events": ["account.updated"]})
    assert answer.status_code in {409, 429}


def test_tests_are_limited_to_five_a_minute(signed_in: Caller) -> None:
    hook = subscribe(signed_in)
    codes = [signed_in("POST", f"/webhooks/{hook['id']}/test").status_code for _ in range(6)]

    assert codes == [202] * 5 + [429]


def test_subscribing_keeps_no_answer_with_a_secret(signed_in: Caller) -> None:
    body = {"url": URL, "events": ["account.updated"]}
    answer = signed_in("POST", "/webhooks", body, key="subscribe-once")

    assert answer.json["code"] == "idempotency_key_not_supported"


def test_others_see_nothing_of_it(signed_in: Caller, sign_up: Callable[..., Caller]) -> None:
    hook = subscribe(signed_in)
    delivery = signed_in("POST", f"/webhooks/{hook['id']}/test").json["id"]
    bob = sign_up()
    at = f"/webhooks/{hook['id']}"

    assert bob("GET", "/webhooks").json["items"] == []
    for method, path in (
        ("GET", at),
        ("GET", f"{at}/deliveries"),
        ("GET", f"{at}/deliveries/{delivery}"),
        ("POST", f"{at}/deliveries/{delivery}/replay"),
        ("POST", f"{at}/test"),
    ):
        assert bob(method, path).status_code == 404, path


# --- Whatever fails ------------------------------------------------------------------------------


def test_a_lost_message_is_repaired_by_the_sweep_and_nothing_is_told_twice(
    signed_in: Caller, receiver: Receiver, wired: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created")
    queue = wired.queue
    with monkeypatch.context() as lost:
        lost.setattr(type(queue), "send", failing)
        spend(signed_in, account, "first-one")
        spend(signed_in, account, "second-one")
    assert log(signed_in, hook) == []

    wired.notices.sweep()
    wired.notices.publish(signed_in.session["user"]["id"])
    wired.notices.sweep()

    assert told(receiver) == ["transaction.created"] * 2
    assert len(log(signed_in, hook)) == 2


def failing(*_: object, **__: object) -> None:
    raise UpstreamUnavailable


def test_a_worker_that_dies_between_deliveries_and_their_messages_loses_none(
    signed_in: Caller, receiver: Receiver, wired: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account(signed_in)
    hook = subscribe(signed_in, "transaction.created")
    with monkeypatch.context() as dying:
        dying.setattr(type(wired.notices), "_ask", failing)
        spend(signed_in, account)
    assert [d["status"] for d in log(signed_in, hook)] == ["pending"]

    wired.notices.sweep()

    assert told(receiver) == ["transaction.created"]
    assert [d["status"] for d in log(signed_in, hook)] == ["delivered"]


def test_two_workers_with_one_message_send_once(
    signed_in: Caller, receiver: Receiver, wired: Services
) -> None:
    hook = subscribe(signed_in)
    made = signed_in("POST", f"/webhooks/{hook['id']}/test").json
    user = signed_in.session["user"]["id"]
    data = {"user": user, "webhook": hook["id"], "delivery": made["id"]}
    wired.queue.send(Message(kind=MessageKind.DELIVERY, data=data))
    ref = user_ref(wired, user)
    found = wired.deliveries.get(ref, hook["id"], made["id"])

    assert len(receiver.received) == 1
    assert not wired.deliveries.take(ref, found)


def test_an_erased_user_is_told_nothing_and_leaves_nothing(
    signed_in: Caller, receiver: Receiver, wired: Services, stored: Callable[[], str]
) -> None:
    receiver.status = 500
    account = open_account(signed_in)
    hook = subscribe(signed_in)
    spend(signed_in, account)
    user = signed_in.session["user"]["id"]
    assert hook["id"] in stored()
    answer = signed_in("POST", "/privacy/erasure", {"confirm": "ERASE", "password": PASSWORD})
    assert answer.status_code == 202
    receiver.received.clear()
    wired.notices.publish(user)
    wired.notices.attempt(user, hook["id"], "dlv_" + "0" * 26)
    wired.notices.sweep()

    assert receiver.received == []
    for trace in (user, hook["id"]):
        assert trace not in stored()


def test_what_a_user_takes_away_has_their_webhooks_without_the_secrets(
    signed_in: Caller,
) -> None:
    hook = subscribe(signed_in)
    signed_in("POST", f"/webhooks/{hook['id']}/test")
    asked = signed_in("POST", "/privacy/exports", key="export-one").json
    data = signed_in("GET", asked["downloadUrl"].removeprefix("/api/v1")).data
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        files = {name: packed.read(name).decode() for name in packed.namelist()}

    assert URL in files["webhooks.json"]
    assert "webhook.test" in files["deliveries.json"]
    assert hook["secret"] not in "".join(files.values())
    assert not [name for name in files if name.startswith("other-")]


def test_the_bell_never_keeps_whoever_commits_waiting() -> None:
    entered, leave, sent = threading.Event(), threading.Event(), []

    class Slow:
        def send(self, message: Message, *, delay_seconds: int = 0) -> None:
            del delay_seconds
            entered.set()
            assert leave.wait(5)
            sent.append(message.data["user"])
            if len(sent) == 1:
                raise UpstreamUnavailable
            done.release()

    done = threading.Semaphore(0)
    bell = Bell(Slow(), waits=False, idle_seconds=0.05)
    bell("usr_1")
    assert entered.wait(5)
    bell("usr_2")
    assert sent == []
    leave.set()
    assert done.acquire(timeout=5)
    assert sent == ["usr_1", "usr_2"]


def test_most_users_have_no_hooks_and_nobody_is_asked_for_them(
    signed_in: Caller, wired: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(wired.queue), "send", failing)
    account = open_account(signed_in)

    assert spend(signed_in, account)["version"] == 1
    assert (wired.notices.outbox.hooked(), wired.notices.outbox.behind()) == ([], [])
