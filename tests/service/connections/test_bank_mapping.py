"""Which account takes the rows of which account of a bank, and what becomes of earlier rows."""

import secrets
from typing import Any

import pytest

from budgetbuddy.domain.services import Services
from localcloud.doubles.plaid import PlaidDouble

from ..conftest import Caller  # noqa: TID252 - fixtures' module
from .conftest import Linked


def account(caller: Caller, currency: str = "USD") -> str:
    body = {"name": "Books", "kind": "checking", "currency": currency}
    made = caller("POST", "/accounts", body, key=secrets.token_hex(8))
    assert made.status_code == 201, made.json
    return str(made.json["id"])


def change(linked: Linked, version: int = 1, **of: Any) -> Any:
    """Where the rows of the bank's checking account go."""
    mapped = {"plaidAccountId": linked.bank.accounts[0]["account_id"], **of}
    path = f"/plaid/items/{linked.id}"
    return linked.caller("PATCH", path, {"accounts": [mapped]}, If_Match=f'"{version}"')


def require_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


def test_rows_go_elsewhere_from_now_on_and_earlier_ones_are_corrected_where_they_are(
    linked: Linked, plaid: PlaidDouble
) -> None:
    early = plaid.banks.add(linked.bank, 10.00, "EARLY SHOP")
    assert linked.sync().json["status"] == "succeeded"
    before = {row["id"]: row["accountId"] for row in linked.rows()}
    other = account(linked.caller)
    answer = change(linked, accountId=other)
    assert (answer.status_code, answer.json["version"], answer.headers["ETag"]) == (200, 2, '"2"')

    plaid.banks.add(linked.bank, 20.00, "LATE SHOP")
    plaid.banks.modify(linked.bank, early, amount=11.00)
    assert linked.sync().json["result"]["created"] == 1
    rows = {row["description"]: row for row in linked.rows()}
    assert rows["LATE SHOP"]["accountId"] == other
    assert rows["EARLY SHOP"]["amount"]["amount"] == "-11.00"
    assert {r["id"]: r["accountId"] for r in linked.rows() if r["id"] in before} == before
    for each in linked.accounts().values():
        proof = linked.caller("GET", f"/accounts/{each['id']}/reconcile").json
        assert proof["difference"]["amount"] == "0.00"


def test_an_account_is_left_out_and_taken_in_again(linked: Linked, plaid: PlaidDouble) -> None:
    linked.sync()
    home = linked.accounts()["Plaid Checking"]["id"]
    answer = change(linked, ignore=True)
    assert answer.status_code == 200, answer.json
    shown = {a["plaidAccountId"]: a["accountId"] for a in answer.json["accounts"]}
    assert shown[linked.bank.accounts[0]["account_id"]] is None

    plaid.banks.add(linked.bank, 20.00, "UNSEEN SHOP")
    assert linked.sync().json["result"]["skipped"] == 1
    assert change(linked, 2, accountId=home).status_code == 200
    plaid.banks.add(linked.bank, 30.00, "SEEN SHOP")
    assert linked.sync().json["result"]["created"] == 1
    texts = {row["description"] for row in linked.rows()}
    assert "SEEN SHOP" in texts
    assert "UNSEEN SHOP" not in texts


def test_what_does_not_fit_is_refused(linked: Linked, wired: Services) -> None:
    ann = linked.caller
    mine, euros, closed = account(ann), account(ann, "EUR"), account(ann)
    assert ann("POST", f"/accounts/{closed}/close", If_Match='"1"').status_code == 200

    require_problem(
        change(linked, plaidAccountId="stranger", ignore=True), 422, "account_not_offered"
    )
    require_problem(change(linked, accountId="acc_" + "0" * 26), 404, "not_found")
    require_problem(change(linked, accountId=closed), 409, "account_closed")
    require_problem(change(linked, accountId=euros), 422, "currency_mismatch")
    require_problem(change(linked), 422, "validation_failed")
    require_problem(change(linked, accountId=mine, ignore=True), 422, "validation_failed")
    require_problem(change(linked, 7, accountId=mine), 412, "version_conflict")
    user = wired.authenticator.authenticate(ann.token).user
    wired.bank_links.ledger.lease(user, linked.id, "somebody")
    require_problem(change(linked, accountId=mine), 409, "sync_running")


@pytest.mark.parametrize("who", ["the owner", "somebody else"])
def test_only_its_owner_changes_a_link(linked: Linked, sign_up: Any, who: str) -> None:
    caller = linked.caller if who == "the owner" else sign_up()
    body = {"accounts": [{"plaidAccountId": linked.bank.accounts[0]["account_id"], "ignore": True}]}
    answer = caller("PATCH", f"/plaid/items/{linked.id}", body, If_Match='"1"')

    assert answer.status_code == (200 if who == "the owner" else 404)
