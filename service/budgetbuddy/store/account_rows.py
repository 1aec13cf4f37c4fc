"""Account rows, `A#{id}` below the user: sealed texts, and counters that only `ADD` moves."""

from budgetbuddy.domain.accounts import Account, AccountKind, AccountStatus
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.effects import FLOW, Effects
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import Sealer, UserRef
from budgetbuddy.store.balances import ACCOUNT_PREFIX, account_key
from budgetbuddy.store.codec import Item
from budgetbuddy.store.expressions import Absent, Equals, Exists
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, put, update


def new_account_write(
    store: Store, sealer: Sealer, user: UserRef, account: Account, opening: Effects
) -> Write:
    """Put a new row with the counters of its opening transaction, if there is one."""
    key = account_key(user.id, account.id)
    row: Item = {
        "pk": key.pk,
        "sk": key.sk,
        "v": 1,
        "cur": account.currency.code,
        **_descriptive(store, sealer, user, account),
        "bal": 0,
        "pend": 0,
        "n": 0,
        **opening.accounts.get(account.id, {}),
    }
    return put(store.ledger.name, row, when=(Absent("pk"),))


def account_write(
    store: Store, sealer: Sealer, user: UserRef, account: Account, *, read: int
) -> Write:
    """Replace everything but the currency and the counters, if the version is the one read."""
    return update(
        store.ledger.name,
        account_key(user.id, account.id),
        set_=_descriptive(store, sealer, user, account),
        when=(Exists("pk"), Equals("version", read)),
    )


def _descriptive(store: Store, sealer: Sealer, user: UserRef, account: Account) -> Item:
    personal = {
        "name": account.name,
        "institution": account.institution,
        "mask": account.mask,
    }
    place = store.ledger.place(account_key(user.id, account.id))
    return {
        "kind": account.kind,
        "status": account.status,
        "hidden": account.hidden,
        "limit": account.credit_limit.minor if account.credit_limit else None,
        "x": seal_fields(sealer, user, place, personal),
        "version": account.version,
    }


def decode_account(store: Store, sealer: Sealer, user: UserRef, row: Item) -> Account:
    """The account again; raises `SealBroken` when its texts are not its own."""
    place = store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
    personal = open_fields(sealer, user, place, row["x"])
    currency = currency_of(row["cur"])
    return Account(
        id=row["sk"].removeprefix(ACCOUNT_PREFIX),
        name=personal["name"],
        kind=AccountKind(row["kind"]),
        currency=currency,
        institution=personal["institution"],
        mask=personal["mask"],
        credit_limit=None if row["limit"] is None else Money(row["limit"], currency),
        hidden=row["hidden"],
        status=AccountStatus(row["status"]),
        balance=Money(row["bal"], currency),
        pending_balance=Money(row["pend"], currency),
        transaction_count=row["n"],
        flows={
            f"{name[2:6]}-{name[6:]}": value
            for name, value in sorted(row.items())
            if name.startswith(FLOW)
        },
        version=row["version"],
    )
