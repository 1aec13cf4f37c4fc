"""Book, repeat, page and edit with the generated client: `API` and `TOKEN` come from outside."""

import datetime as dt
import os
import uuid

from budgetbuddy_client import AuthenticatedClient
from budgetbuddy_client.api.accounts import create_account, reconcile_account
from budgetbuddy_client.api.transactions import (
    change_transaction,
    create_transaction,
    list_transactions,
)
from budgetbuddy_client.models import (
    AccountKind,
    AccountView,
    NewAccount,
    NewTransaction,
    NonZeroMoney,
    ProblemDocument,
    ReconciliationView,
    TransactionChange,
    TransactionList,
    TransactionView,
)

client = AuthenticatedClient(base_url=os.environ["API"], token=os.environ["TOKEN"])


def booked(account: AccountView, amount: str, text: str, key: str) -> TransactionView:
    """One transaction; a key that was sent before books nothing again."""
    body = NewTransaction(
        account_id=account.id,
        date=dt.date(2026, 3, 14),
        amount=NonZeroMoney(amount=amount, currency="EUR"),
        description=text,
    )
    made = create_transaction.sync(client=client, body=body, idempotency_key=key)
    assert isinstance(made, TransactionView), made
    return made


account = create_account.sync(
    client=client, body=NewAccount(name="Giro", kind=AccountKind.CHECKING, currency="EUR")
)
assert isinstance(account, AccountView), account

key = uuid.uuid4().hex
coffee = booked(account, "-3.20", "Coffee", key)
assert booked(account, "-3.20", "Coffee", key).id == coffee.id
booked(account, "100.00", "Refund", uuid.uuid4().hex)

seen, cursor = [], None
while True:
    page = list_transactions.sync(client=client, account_id=account.id, limit=1, cursor=cursor)
    assert isinstance(page, TransactionList), page
    seen += [row.description for row in page.items]
    cursor = page.next_cursor
    if cursor is None:
        break
assert sorted(seen) == ["Coffee", "Refund"]

change = TransactionChange(notes="with oat milk")
for outcome in (TransactionView, ProblemDocument):  # the second edit names a version that is over
    answer = change_transaction.sync(
        coffee.id, client=client, body=change, if_match=f'"{coffee.version}"'
    )
    assert isinstance(answer, outcome), answer

proof = reconcile_account.sync(account.id, client=client)
assert isinstance(proof, ReconciliationView), proof
assert (proof.recorded.amount, proof.difference.amount) == ("96.80", "0.00")
print("python client: done")
