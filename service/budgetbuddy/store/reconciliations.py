"""Checking an account against a bank's statement, and the adjustment that closes the gap."""

from datetime import date

from budgetbuddy.domain.account_removal import Reconciled, ReconciliationDifference, Statement
from budgetbuddy.domain.accounts import Account, Accounts, WrongCurrency
from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.money import Money
from budgetbuddy.domain.ports import AuditEntry, Context, Sealer, UserRef
from budgetbuddy.domain.transactions import (
    Transaction,
    TransactionKind,
    TransactionStatus,
)
from budgetbuddy.store.commands import Commands, Head, Plan
from budgetbuddy.store.expressions import Equals
from budgetbuddy.store.table import BY_ACCOUNT, Store
from budgetbuddy.store.transaction_steps import Step, Steps

DESCRIPTION = "Balance adjustment"


class ReconciliationStore:
    """Implements `domain.account_removal.Reconciliations`."""

    def __init__(
        self, store: Store, commands: Commands, sealer: Sealer, accounts: Accounts
    ) -> None:
        self._store = store
        self._commands = commands
        self._accounts = accounts
        self._steps = Steps(store, sealer)

    def reconcile(self, context: Context, account_id: str, statement: Statement) -> Reconciled:
        """The balance of that day is read after the head, so the difference is exact."""
        now, new_id = format_instant(self._store.clock()), make_id(Kind.TRANSACTION)

        def plan(_: Head) -> Plan[Reconciled]:
            account = self._accounts.get(context.user, account_id)
            if statement.balance.currency != account.currency:
                raise WrongCurrency
            recorded = self._balance_on(context.user, account, statement.day)
            difference = statement.balance - recorded
            if difference.minor and not statement.create_adjustment:
                raise ReconciliationDifference(f"the difference is {difference} {account.currency}")
            steps = []
            if difference.minor:
                row = Transaction(
                    id=new_id,
                    account_id=account_id,
                    date=statement.day,
                    amount=difference,
                    description=DESCRIPTION,
                    kind=TransactionKind.ADJUSTMENT,
                    created_at=now,
                    updated_at=now,
                )
                steps.append(Step(old=None, new=row))
            return Plan(
                writes=self._steps.writes(context.user, steps),
                changes=tuple(step.change for step in steps),
                audit=AuditEntry(
                    event=Event.ACCOUNT_RECONCILED,
                    object=f"account:{account_id}",
                    details={"day": statement.day.isoformat(), "differs": bool(steps)},
                ),
                result=Reconciled(difference=difference, adjustment_id=new_id if steps else None),
            )

        return self._commands.run(context, plan)

    def _balance_on(self, user: UserRef, account: Account, day: date) -> Money:
        """Flows of the months before, from the account row, and the rows of the month itself."""
        month = f"{day:%Y-%m}"
        before = sum(minor for name, minor in account.flows.items() if name < month)
        rows = self._store.ledger.query(
            f"U#{user.id}",
            index=BY_ACCOUNT,
            between=(f"{account.id}#{month}-01", f"{account.id}#{day.isoformat()}~"),
            where=(Equals("st", TransactionStatus.POSTED),),
        )
        return Money(before + sum(row["minor"] for row in rows), account.currency)
