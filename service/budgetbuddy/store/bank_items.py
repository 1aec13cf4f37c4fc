"""Bank items: `P#{id}` below the user, found by the provider's id and by the bank's.

`PITEM#{provider id}`/`OWNER` leads from a webhook to the user; `PI#{institution}` below the user
keeps a bank from being linked twice. The access token is sealed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from budgetbuddy.domain import accounts as account_rules
from budgetbuddy.domain.accounts import Account
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.bank_sync import one_line
from budgetbuddy.domain.banks import (
    BankAccount,
    BankItem,
    InstitutionAlreadyLinked,
    ItemProblem,
    LinkedAccount,
    SyncRunning,
    require_room,
)
from budgetbuddy.domain.currency import currency_of
from budgetbuddy.domain.effects import effects
from budgetbuddy.domain.identity import Status
from budgetbuddy.domain.ids import Kind, require_id
from budgetbuddy.domain.jobs import Job
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.outbox import ATTENTION
from budgetbuddy.domain.ports import AuditEntry, Change, Context, Sealer, UserRef
from budgetbuddy.problems import LimitReached, NotFound, Problem
from budgetbuddy.store.account_rows import new_account_write
from budgetbuddy.store.balances import ACCOUNT_PREFIX
from budgetbuddy.store.codec import Item
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Absent, Compare, Either, Equals, Exists
from budgetbuddy.store.jobs import job_write
from budgetbuddy.store.profiles import profile_key
from budgetbuddy.store.sealing import open_fields, seal_fields
from budgetbuddy.store.table import Store
from budgetbuddy.store.writes import Key, Write, delete, put, update

PREFIX = "P#"
NAME_LENGTH = 100


def item_key(user_id: str, item_id: str) -> Key:
    """Where an item lives."""
    return Key(pk=f"U#{user_id}", sk=f"{PREFIX}{item_id}")


def owner_key(provider_id: str) -> Key:
    """Where the provider's id leads to the user."""
    return Key(pk=f"PITEM#{provider_id}", sk="OWNER")


def institution_key(user_id: str, institution_id: str) -> Key:
    """What keeps a second link to the same bank out."""
    return Key(pk=f"U#{user_id}", sk=f"PI#{institution_id}")


class BankItemStore:
    """Implements `domain.banks.BankItems`."""

    def __init__(self, store: Store, commands: Commands, sealer: Sealer) -> None:
        self._store = store
        self._commands = commands
        self._sealer = sealer

    def list(self, user: UserRef) -> Sequence[BankItem]:
        """All, oldest first."""
        rows = self._store.ledger.query(f"U#{user.id}", begins_with=PREFIX)
        return [self._decode(user, row) for row in rows]

    def get(self, user: UserRef, item_id: str) -> BankItem:
        """One; raises `NotFound`."""
        row = self._store.ledger.get(item_key(user.id, require_id(Kind.BANK_ITEM, item_id)))
        if row is None:
            raise NotFound
        return self._decode(user, row)

    def require_room(self, user: UserRef, institution_id: str) -> None:
        """Raises `LimitReached`, `InstitutionAlreadyLinked`."""
        require_room(self.list(user), institution_id)

    def add(self, context: Context, item: BankItem, accounts: Sequence[BankAccount]) -> BankItem:
        """The item, what leads to it, and its accounts, in one transaction."""
        opened = [
            _account(item, linked, told)
            for linked, told in zip(item.accounts, accounts, strict=True)
        ]

        def plan(_: Head) -> Plan[BankItem]:
            self.require_room(context.user, item.institution_id)
            self._require_room_for(context.user, opened)
            changes = [Change(type="account", id=a.id, op="upsert", version=1) for a in opened]
            return Plan(
                writes=tuple(self._new_writes(context.user, item, opened)),
                changes=(Change(type="bank_item", id=item.id, op="upsert", version=1), *changes),
                audit=AuditEntry(
                    event=Event.BANK_LINKED,
                    object=f"bank_item:{item.id}",
                    details={"institution": item.institution_id, "accounts": len(opened)},
                ),
                result=item,
            )

        return self._commands.run(context, plan)

    def remap(self, context: Context, item: BankItem) -> BankItem:
        """Not while a sync books by the accounts that it has read."""
        now = int(self._store.clock().timestamp())
        free = Either((Absent("lease"), Compare("lease", "<=", now)))
        write = update(
            self._store.ledger.name,
            item_key(context.user.id, item.id),
            set_={"map": _map(item), "version": item.version},
            when=(Exists("pk"), Equals("version", item.version - 1), free),
            refuse=_stale,
        )

        def plan(_: Head) -> Plan[BankItem]:
            return Plan(
                writes=(write,),
                changes=(Change(type="bank_item", id=item.id, op="upsert", version=item.version),),
                audit=AuditEntry(event=Event.BANK_UPDATED, object=f"bank_item:{item.id}"),
                result=item,
            )

        return self._commands.run(context, plan)

    def attend(self, context: Context, item_id: str, problem: ItemProblem | None) -> None:
        """Writes nothing when that is known already."""
        if self.get(context.user, item_id).problem == problem:
            return

        def plan(_: Head) -> Plan[None]:
            item = self.get(context.user, item_id)
            version = item.version + 1
            write = update(
                self._store.ledger.name,
                item_key(context.user.id, item_id),
                set_={"problem": problem, "version": version},
                when=(Exists("pk"), Equals("version", item.version)),
            )
            return Plan(
                writes=(write,),
                changes=_attention(item_id, version, problem),
                audit=AuditEntry(
                    event=Event.BANK_ATTENTION,
                    object=f"bank_item:{item_id}",
                    details={"problem": problem},
                ),
                result=None,
            )

        self._commands.run(context, plan)

    def remove(self, context: Context, item: BankItem, job: Job) -> Job:
        """The three rows of the link; raises `VersionConflict`."""
        key = item_key(context.user.id, item.id)
        table = self._store.ledger.name

        def plan(_: Head) -> Plan[Job]:
            return Plan(
                writes=(
                    delete(table, key, when=(Exists("pk"), Equals("version", item.version))),
                    delete(table, owner_key(item.provider_id)),
                    delete(table, institution_key(context.user.id, item.institution_id)),
                    job_write(self._store, context.user, job),
                ),
                changes=(Change(type="bank_item", id=item.id, op="delete", version=item.version),),
                audit=AuditEntry(event=Event.BANK_UNLINKED, object=f"bank_item:{item.id}"),
                result=job,
            )

        return self._commands.run(context, plan)

    def _require_room_for(self, user: UserRef, opened: Sequence[Account]) -> None:
        known = self._store.ledger.query(f"U#{user.id}", begins_with=ACCOUNT_PREFIX)
        if len(known) + len(opened) > account_rules.MAX_ACCOUNTS:
            raise LimitReached(f"at most {account_rules.MAX_ACCOUNTS} accounts")

    def _new_writes(
        self, user: UserRef, item: BankItem, opened: Sequence[Account]
    ) -> Iterator[Write]:
        table, absent = self._store.ledger.name, (Absent("pk"),)
        yield put(table, self._encode(user, item), when=absent)
        for key in (owner_key(item.provider_id), institution_key(user.id, item.institution_id)):
            row: Item = {"pk": key.pk, "sk": key.sk, "v": 1, "uid": user.id, "itm": item.id}
            yield put(table, row, when=absent, refuse=lambda _: InstitutionAlreadyLinked())
        for account in opened:
            yield new_account_write(self._store, self._sealer, user, account, effects())

    def _encode(self, user: UserRef, item: BankItem) -> Item:
        key = item_key(user.id, item.id)
        secret = {"token": item.access_token, "institution": item.institution}
        return {
            "pk": key.pk,
            "sk": key.sk,
            "v": 1,
            "pid": item.provider_id,
            "inst": item.institution_id,
            "map": _map(item),
            "cursor": item.cursor,
            "problem": item.problem,
            "createdAt": item.created_at,
            "syncedAt": item.last_synced_at,
            "x": seal_fields(self._sealer, user, self._store.ledger.place(key), secret),
            "version": item.version,
        }

    def _decode(self, user: UserRef, row: Item) -> BankItem:
        place = self._store.ledger.place(Key(pk=row["pk"], sk=row["sk"]))
        secret = open_fields(self._sealer, user, place, row["x"])
        return BankItem(
            id=row["sk"].removeprefix(PREFIX),
            provider_id=row["pid"],
            institution_id=row["inst"],
            institution=secret["institution"],
            accounts=tuple(
                LinkedAccount(provider_id=told, account_id=ours, former=tuple(former))
                for told, ours, *former in row["map"]
            ),
            access_token=secret["token"],
            cursor=row["cursor"],
            problem=ItemProblem(row["problem"]) if row["problem"] else None,
            created_at=row["createdAt"],
            last_synced_at=row["syncedAt"],
            version=row["version"],
        )


class BankOwnerRows:
    """Implements `domain.banks.BankOwners`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, provider_id: str) -> tuple[UserRef, str] | None:
        """The user and our id of a link; None when it was ended, or its user erased."""
        row = self._store.ledger.get(owner_key(provider_id))
        profile = self._store.ledger.get(profile_key(row["uid"])) if row else None
        if row is None or profile is None or profile["status"] != Status.ACTIVE:
            return None
        return UserRef(id=row["uid"], subject=profile["subject"]), row["itm"]


def _map(item: BankItem) -> list[list[str | None]]:
    return [[each.provider_id, each.account_id, *each.former] for each in item.accounts]


def _stale(stored: Item | None) -> Problem:
    """Why the accounts of a link cannot be changed now."""
    return NotFound() if stored is None else SyncRunning()


def _account(item: BankItem, linked: LinkedAccount, told: BankAccount) -> Account:
    """Our account for one of the bank's; empty until its rows come."""
    if told.currency is None or linked.account_id is None:
        raise ValueError("an account without a currency or an id takes no rows")
    nothing = Money.zero(currency_of(told.currency))
    return replace(
        Account(
            id=linked.account_id,
            name=one_line(told.name, NAME_LENGTH) or "Account",
            kind=told.kind,
            currency=nothing.currency,
            balance=nothing,
            pending_balance=nothing,
        ),
        institution=one_line(item.institution, NAME_LENGTH) or None,
        mask=told.mask,
    )


def _attention(item_id: str, version: int, problem: ItemProblem | None) -> tuple[Change, ...]:
    """That the link has changed, and unless it is well again that its user has to do something."""
    changed = Change(type="bank_item", id=item_id, op="upsert", version=version)
    if problem is None:
        return (changed,)
    return changed, Change(type=ATTENTION, id=item_id, op="upsert", version=version)
