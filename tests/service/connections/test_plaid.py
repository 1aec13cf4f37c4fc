"""Bank links through the real SDK against a double of Plaid: link, bring rows in, unlink."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy.domain.services import Services
from localcloud.doubles.faults import Fault
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import Caller, ManualClock, Trail  # noqa: TID252 - fixtures' module
from .conftest import BANK, Link, Linked

SYNC = "/transactions/sync"


def require_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


def require_failed(answer: Any, code: str) -> None:
    """Taken, and then it could not be done."""
    job = answer.json
    assert (answer.status_code, job["status"], job["problem"]["code"]) == (202, "failed", code)


def result(answer: Any) -> dict[str, int]:
    assert answer.status_code == 202, answer.json
    job = answer.json
    assert (job["kind"], job["status"]) == ("bank-sync", "succeeded")
    found: dict[str, int] = job["result"]
    return found


def minor(amount: str) -> int:
    return round(float(amount) * 100)


def require_proof(linked: Linked) -> None:
    """Every balance is what the rows sum to."""
    for account in linked.accounts().values():
        proof = linked.caller("GET", f"/accounts/{account['id']}/reconcile").json
        assert proof["difference"]["amount"] == "0.00"


# --- Link ----------------------------------------------------------------------------------------


def test_a_link_token_names_the_user_by_pseudonym_and_where_to_call_back(
    signed_in: Caller, plaid: PlaidDouble
) -> None:
    answer = signed_in("POST", "/plaid/link-tokens", {})

    assert answer.status_code == 201
    assert answer.json["linkToken"].startswith("link-sandbox-")
    assert answer.json["expiresAt"].endswith("Z")
    (asked,) = plaid.link_tokens
    assert asked["webhook"] == "http://127.0.0.1:8080/api/v1/plaid/webhook"
    assert signed_in.session["user"]["id"] not in str(asked)
    assert "ann@example.com" not in str(asked)


def test_a_redirect_goes_to_https_only(signed_in: Caller) -> None:
    for uri, status in (("https://app.example.com/x", 201), ("javascript:alert(1)", 422)):
        answer = signed_in("POST", "/plaid/link-tokens", {"redirectUri": uri})
        assert answer.status_code == status


def test_a_linked_bank_has_an_account_for_each_of_its_own(linked: Linked) -> None:
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json

    assert (item["institutionId"], item["institution"]) == (BANK, f"Bank {BANK}")
    assert (item["status"], item["problem"], item["lastSyncedAt"]) == ("ok", None, None)
    accounts = linked.accounts()
    assert {a["accountId"] for a in item["accounts"]} == {a["id"] for a in accounts.values()}
    card = accounts["Plaid Credit Card"]
    assert (card["kind"], card["mask"], card["currency"]) == ("credit", "3333", "USD")
    assert accounts["Plaid Checking"]["kind"] == "checking"


def test_the_first_rows_come_in_without_being_asked_for(
    signed_in: Caller, link: Link, plaid: PlaidDouble
) -> None:
    plaid.banks.is_ready = True
    item = link(signed_in).json["id"]

    assert signed_in("GET", f"/plaid/items/{item}").json["lastSyncedAt"] is not None
    assert len(signed_in("GET", "/transactions?limit=100").json["items"]) > 5


def test_a_link_is_kept_whatever_becomes_of_its_first_sync(
    signed_in: Caller, link: Link, plaid: PlaidDouble
) -> None:
    plaid.fail(SYNC, Fault(body=b"no json"))
    answer = link(signed_in)

    assert answer.status_code == 201, answer.json
    assert signed_in("GET", "/plaid/items").json["items"][0]["lastSyncedAt"] is None


def test_only_the_accounts_that_were_asked_for_are_taken(
    signed_in: Caller, link: Link, plaid: PlaidDouble
) -> None:
    refused = link(signed_in, accounts=["nobody-has-this"])
    require_problem(refused, 422, "account_not_offered")
    assert refused.json["errors"][0]["pointer"] == "/accounts/0"

    assert plaid.banks.items == {}
    assert signed_in("GET", "/accounts").json["items"] == []


def test_what_opens_the_bank_is_neither_answered_nor_stored_in_clear(
    linked: Linked, stored: Callable[[], str]
) -> None:
    listed = linked.caller("GET", "/plaid/items")

    assert [item["id"] for item in listed.json["items"]] == [linked.id]
    assert linked.token not in listed.text
    assert linked.token not in stored()
    assert f"Bank {BANK}" not in stored()


def test_a_second_link_to_the_same_bank_is_refused_and_spends_no_token(
    linked: Linked, link: Link, plaid: PlaidDouble
) -> None:
    require_problem(link(linked.caller), 409, "institution_already_linked")

    assert plaid.calls["/item/public_token/exchange"] == 0
    assert len(plaid.banks.items) == 1
    assert link(linked.caller, "ins_other").status_code == 201


def test_the_bank_that_plaid_names_decides_what_is_linked_twice(
    linked: Linked, plaid: PlaidDouble
) -> None:
    body = {"publicToken": plaid.banks.public_token(BANK), "institutionId": "ins_forged"}
    answer = linked.caller("POST", "/plaid/items", body, key="k" * 8)

    require_problem(answer, 409, "institution_already_linked")
    assert list(plaid.banks.items) == [linked.token]


def test_a_repeated_link_is_the_first_ones_answer(signed_in: Caller, plaid: PlaidDouble) -> None:
    body = {"publicToken": plaid.banks.public_token(BANK), "institutionId": BANK}
    first, again = (signed_in("POST", "/plaid/items", body, key="k" * 8) for _ in range(2))

    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(signed_in("GET", "/plaid/items").json["items"]) == 1


def test_a_spent_public_token_is_the_clients_fault(signed_in: Caller) -> None:
    body = {"publicToken": "public-sandbox-spent", "institutionId": BANK}

    answer = signed_in("POST", "/plaid/items", body, key="k" * 8)
    require_problem(answer, 422, "public_token_invalid")


def test_a_link_that_cannot_be_kept_is_ended_at_plaid(
    signed_in: Caller, link: Link, plaid: PlaidDouble
) -> None:
    for _ in range(3):
        plaid.fail("/accounts/get", Fault(status=500, code="INTERNAL_SERVER_ERROR"))
    answer = link(signed_in)

    require_problem(answer, 503, "upstream_unavailable")
    assert plaid.calls["/item/remove"] == 1
    assert plaid.banks.items == {}


def test_another_users_link_is_as_if_it_were_not_there(
    linked: Linked, sign_up: Callable[..., Caller]
) -> None:
    other = sign_up()
    for method, path, body in (
        ("GET", f"/plaid/items/{linked.id}", None),
        ("POST", f"/plaid/items/{linked.id}/sync", None),
        ("POST", f"/plaid/items/{linked.id}/link-tokens", {}),
        ("DELETE", f"/plaid/items/{linked.id}", None),
    ):
        headers = {"If_Match": '"1"'} if method == "DELETE" else {}
        require_problem(other(method, path, body, **headers), 404, "not_found")
    assert other("GET", "/plaid/items").json["items"] == []


# --- Bring rows in -------------------------------------------------------------------------------


def test_what_a_bank_has_comes_in_and_sums_to_what_the_bank_says(linked: Linked) -> None:
    told = [row for _, row in linked.bank.log]
    booked = result(linked.sync())

    assert booked["created"] == len(told) + 2  # an opening balance for each account
    accounts = linked.accounts()
    for name, sign in (("Plaid Checking", 1), ("Plaid Credit Card", -1)):
        (bank,) = [a for a in linked.bank.accounts if a["name"] == name]
        assert minor(accounts[name]["balance"]["amount"]) == sign * round(
            bank["balances"]["current"] * 100
        )
    assert accounts["Plaid Checking"]["pendingBalance"]["amount"] == "-12.50"
    require_proof(linked)


def test_a_bank_counts_what_flows_out_as_positive_and_we_do_not(linked: Linked) -> None:
    linked.sync()

    amounts = {row["description"]: row["amount"]["amount"] for row in linked.rows()}
    assert amounts["ACME PAYROLL"] == "2500.00"
    assert amounts["RENT"] == "-900.00"
    assert {row["source"] for row in linked.rows()} == {"plaid"}


def test_a_repeated_sync_books_nothing_twice(linked: Linked) -> None:
    linked.sync()
    before = linked.rows()

    assert result(linked.sync()) | {"itemId": ""} == {
        "itemId": "",
        "created": 0,
        "changed": 0,
        "removed": 0,
        "skipped": 0,
    }
    assert linked.rows() == before


def test_what_a_crash_left_half_done_is_completed_by_the_next_sync(
    linked: Linked, wired: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger: Any = wired.bank_links.ledger
    with monkeypatch.context() as broken:
        broken.setattr(ledger, "finish", lambda *_: 1 / 0)
        assert linked.sync().status_code == 500
    half = linked.rows()

    assert half
    assert result(linked.sync())["created"] == 0
    assert {row["id"] for row in linked.rows()} == {row["id"] for row in half}
    require_proof(linked)


def test_new_rows_come_in_and_rows_the_bank_takes_back_go(
    linked: Linked, plaid: PlaidDouble
) -> None:
    linked.sync()
    plaid.banks.add(linked.bank, 20.00, "BOOK SHOP")
    mistake = plaid.banks.add(linked.bank, 99.99, "MISTAKE")
    assert result(linked.sync())["created"] == 2
    plaid.banks.drop(linked.bank, mistake)

    assert result(linked.sync())["removed"] == 1
    descriptions = {row["description"] for row in linked.rows()}
    assert "BOOK SHOP" in descriptions
    assert "MISTAKE" not in descriptions
    require_proof(linked)


def test_a_row_the_bank_corrects_keeps_what_the_user_said_of_it(
    linked: Linked, plaid: PlaidDouble
) -> None:
    linked.sync()
    told = plaid.banks.add(linked.bank, 20.00, "BOOK SHOP")
    linked.sync()
    (row,) = [r for r in linked.rows() if r["description"] == "BOOK SHOP"]
    note = {"notes": "a present", "tags": ["gift"]}
    linked.caller("PATCH", f"/transactions/{row['id']}", note, If_Match='"1"')
    plaid.banks.modify(linked.bank, told, amount=25.00, name="BOOK SHOP BERLIN")

    assert result(linked.sync())["changed"] == 1
    after = linked.caller("GET", f"/transactions/{row['id']}").json
    assert (after["amount"]["amount"], after["description"]) == ("-25.00", "BOOK SHOP BERLIN")
    assert (after["notes"], after["tags"]) == ("a present", ["gift"])
    require_proof(linked)


def test_a_settled_row_stays_the_same_row_for_the_user(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    (pending,) = [row for row in linked.rows() if row["status"] == "pending"]
    linked.caller("PATCH", f"/transactions/{pending['id']}", {"notes": "with Bea"}, If_Match='"1"')
    told = next(row for _, row in linked.bank.log if row["pending"])
    plaid.banks.settle(linked.bank, told, 13.00)

    assert result(linked.sync()) | {"itemId": ""} == {
        "itemId": "",
        "created": 0,
        "changed": 1,
        "removed": 0,
        "skipped": 0,
    }
    after = linked.caller("GET", f"/transactions/{pending['id']}").json
    assert (after["status"], after["amount"]["amount"]) == ("posted", "-13.00")
    assert after["notes"] == "with Bea"
    assert linked.accounts()["Plaid Checking"]["pendingBalance"]["amount"] == "0.00"
    require_proof(linked)


def test_what_the_user_deleted_does_not_come_back(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    told = plaid.banks.add(linked.bank, 20.00, "SECRET")
    linked.sync()
    (row,) = [r for r in linked.rows() if r["description"] == "SECRET"]
    linked.caller("DELETE", f"/transactions/{row['id']}", If_Match='"1"')
    plaid.banks.modify(linked.bank, told, amount=21.00)

    assert result(linked.sync())["changed"] == 0
    assert "SECRET" not in {r["description"] for r in linked.rows()}
    require_proof(linked)


def test_rows_older_than_the_opening_balance_were_part_of_it(
    linked: Linked, plaid: PlaidDouble
) -> None:
    linked.sync()
    before = linked.accounts()["Plaid Checking"]["balance"]
    plaid.banks.add(linked.bank, 70.00, "LAST YEAR", date="2025-06-01")

    assert result(linked.sync())["created"] == 1
    assert linked.accounts()["Plaid Checking"]["balance"] == before
    require_proof(linked)


def test_a_bank_that_has_told_nothing_yet_opens_no_account(linked: Linked) -> None:
    linked.bank.is_ready = False
    assert result(linked.sync())["created"] == 0
    linked.bank.is_ready = True

    linked.sync()
    assert minor(linked.accounts()["Plaid Checking"]["balance"]["amount"]) == round(
        linked.bank.accounts[0]["balances"]["current"] * 100
    )


def test_many_rows_come_in_pages_and_parts(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    for number in range(60):  # of thirty months: more writes than one transaction takes
        year, month = divmod(number % 30, 12)
        day = f"{2023 + year}-{month + 1:02}-15"
        plaid.banks.add(linked.bank, 1.00 + number, f"ROW {number}", date=day)
    plaid.banks.page_rows = 25

    calls = plaid.calls[SYNC]
    assert result(linked.sync())["created"] == 60
    assert plaid.calls[SYNC] - calls == 3
    require_proof(linked)


def test_rows_without_an_exact_amount_of_ours_are_counted_and_left_out(
    linked: Linked, plaid: PlaidDouble
) -> None:
    linked.sync()
    plaid.banks.add(linked.bank, 0.001, "TOO FINE")
    plaid.banks.add(linked.bank, 0.00, "NOTHING")
    plaid.banks.add(linked.bank, 5.00, "EUROS", iso_currency_code="EUR")
    plaid.banks.add(
        linked.bank, 5.00, "COINS", iso_currency_code=None, unofficial_currency_code="BTC"
    )
    plaid.banks.add(linked.bank, 5.00, "GOOD")

    booked = result(linked.sync())
    assert (booked["created"], booked["skipped"]) == (1, 4)


def test_texts_of_a_bank_are_made_harmless(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    plaid.banks.add(linked.bank, 5.00, "a\r\nb\u202e " + "4111 1111 1111 1111 " + "x" * 600)

    linked.sync()
    (row,) = [r for r in linked.rows() if r["description"].startswith("a b")]
    assert "•••• 1111" in row["description"]
    assert "4111" not in row["description"]
    assert len(row["description"]) <= 500
    assert not re.search("[\r\n\u202e]", row["description"])


def test_a_closed_account_takes_no_rows_and_does_not_stop_the_others(
    linked: Linked, plaid: PlaidDouble
) -> None:
    card = linked.accounts()["Plaid Credit Card"]
    closed = linked.caller("POST", f"/accounts/{card['id']}/close", If_Match='"1"')
    assert closed.status_code == 200
    plaid.banks.add(
        linked.bank, 5.00, "ON THE CARD", account_id=linked.bank.accounts[1]["account_id"]
    )

    booked = result(linked.sync())
    assert booked["skipped"] == 1
    assert booked["created"] == len(linked.bank.log)  # one less, and one opening
    require_proof(linked)


def test_a_user_syncs_a_link_once_a_minute(linked: Linked) -> None:
    linked.sync()
    again = linked.caller("POST", f"/plaid/items/{linked.id}/sync")

    require_problem(again, 429, "rate_limited")


def test_two_syncs_of_one_link_do_not_run_at_once(
    linked: Linked, wired: Services, clock: ManualClock
) -> None:
    user = wired.authenticator.authenticate(linked.caller.token).user
    wired.bank_links.ledger.lease(user, linked.id, "somebody")

    require_problem(linked.sync(), 409, "sync_running")
    clock.advance(seconds=120)
    assert linked.sync().status_code == 202


def test_the_trail_and_the_feed_tell_of_links_and_rows(linked: Linked, trail: Trail) -> None:
    linked.sync()
    linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"1"')

    events = trail(linked.caller)
    assert events[-1] == "bank.unlinked"
    assert events.count("bank.linked") == 1
    assert events.count("bank.synced") >= 2


# --- What goes wrong at the bank -----------------------------------------------------------------


def test_a_bank_that_wants_to_see_its_customer_is_noted_until_it_is_mended(
    linked: Linked, plaid: PlaidDouble, trail: Trail
) -> None:
    linked.bank.error = "ITEM_LOGIN_REQUIRED"
    require_failed(linked.sync(), "login_required")
    require_failed(linked.sync(), "login_required")
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert (item["status"], item["problem"]) == ("attention", "login_required")
    assert trail(linked.caller).count("bank.attention") == 1
    update = linked.caller("POST", f"/plaid/items/{linked.id}/link-tokens", {})
    assert update.status_code == 201
    assert plaid.link_tokens[-1]["access_token"] == linked.token
    linked.bank.error = None

    assert linked.sync().status_code == 202
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert (item["status"], item["problem"]) == ("ok", None)


def test_a_link_that_was_ended_at_the_bank_is_noted(linked: Linked, plaid: PlaidDouble) -> None:
    plaid.banks.remove(linked.token)

    require_failed(linked.sync(), "link_ended")
    item = linked.caller("GET", f"/plaid/items/{linked.id}").json
    assert item["problem"] == "consent_revoked"


def test_a_bank_that_changes_while_it_is_read_is_read_again_from_the_start(
    linked: Linked, plaid: PlaidDouble
) -> None:
    changing = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    plaid.fail(SYNC, Fault(status=400, kind="TRANSACTIONS_ERROR", code=changing), times=2)

    assert linked.sync().status_code == 202
    plaid.fail(SYNC, Fault(status=400, kind="TRANSACTIONS_ERROR", code=changing), times=4)
    require_failed(linked.sync(), "bank_data_changing")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(body=b"no json"), id="no JSON"),
        pytest.param(Fault(body=b'{"added": 7}'), id="another shape"),
        pytest.param(Fault(body=b"x" * (10 << 20 | 1)), id="too large"),
        pytest.param(
            Fault(status=400, kind="INVALID_REQUEST", code="NEVER_HEARD_OF"),
            id="an error nobody foresaw",
        ),
    ],
)
def test_nonsense_of_the_providers_is_told_and_nothing_is_booked(
    linked: Linked, plaid: PlaidDouble, fault: Fault
) -> None:
    plaid.fail(SYNC, fault)

    require_failed(linked.sync(), "upstream_invalid")
    assert linked.rows() == []
    assert linked.sync().status_code == 202


def test_a_link_is_ended_at_plaid_and_its_rows_stay(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    rows = linked.rows()
    stale = linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"7"')
    require_problem(stale, 412, "version_conflict")
    ended = linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"1"')

    assert ended.status_code == 202
    assert linked.caller("GET", f"/jobs/{ended.json['id']}").json["kind"] == "bank-unlink"
    assert plaid.banks.items == {}
    assert linked.rows() == rows
    require_problem(linked.caller("GET", f"/plaid/items/{linked.id}"), 404, "not_found")


def test_a_bank_can_be_linked_again_after_its_link_was_ended(
    linked: Linked, link: Link, plaid: PlaidDouble
) -> None:
    plaid.banks.remove(linked.token)  # the user ended it at the bank before
    ended = linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"1"')

    assert ended.status_code == 202
    assert link(linked.caller).status_code == 201


def test_a_link_is_kept_while_plaid_cannot_end_it(linked: Linked, plaid: PlaidDouble) -> None:
    for _ in range(3):
        plaid.fail("/item/remove", Fault(status=500, code="INTERNAL_SERVER_ERROR"))

    answer = linked.caller("DELETE", f"/plaid/items/{linked.id}", If_Match='"1"')
    require_problem(answer, 503, "upstream_unavailable")
    assert linked.caller("GET", f"/plaid/items/{linked.id}").status_code == 200


# --- What new rows set off -----------------------------------------------------------------------


def test_new_rows_are_filed_by_rules_and_warn_of_a_budget_by_themselves(
    linked: Linked, plaid: PlaidDouble, trail: Trail
) -> None:
    ann = linked.caller
    assert linked.sync().status_code == 202
    category = ann("GET", "/categories").json["items"][0]["id"]
    limit = {"amount": "100.00", "currency": "USD"}
    budget = {"limit": limit, "period": "monthly", "rollover": "none"}
    rule = {
        "name": "Books",
        "when": [{"field": "description", "op": "contains", "value": "book"}],
        "match": "all",
        "then": [{"do": "setCategory", "value": category}],
    }
    assert ann("POST", "/rules", rule).status_code == 201
    assert ann("PUT", f"/budgets/{category}", budget, If_None_Match="*").status_code == 201
    plaid.banks.add(linked.bank, 80.00, "BOOK SHOP")
    for _ in range(2):
        assert linked.sync().status_code == 202

    (book,) = [row for row in linked.rows() if row["description"] == "BOOK SHOP"]
    assert book["categoryId"] == category
    assert trail(ann).count("budget.alerted") == 1
    (alert,) = ann("GET", "/budgets/alerts").json["items"]
    assert (alert["threshold"], alert["categoryId"]) == (75, category)
