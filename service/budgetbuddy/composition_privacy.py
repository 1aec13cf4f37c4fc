"""The privacy half of the composition root."""

from budgetbuddy.composition_banks import Banks
from budgetbuddy.composition_identity import Identity, Tools
from budgetbuddy.domain.erasure import BankEndings, Erasures, StepName
from budgetbuddy.domain.payments import PaymentEndings, Payments
from budgetbuddy.store.erasures import ErasureStore
from budgetbuddy.store.shredding import Shredding


def build_erasures(tools: Tools, identity: Identity, banks: Banks, payments: Payments) -> Erasures:
    """Wire the steps of an erasure to what removes."""
    shredding = Shredding(tools.store, tools.commands, tools.keys.forget)
    return Erasures(
        rows=ErasureStore(tools.store, tools.commands),
        credentials=identity.credentials,
        removers={
            StepName.BANKS: BankEndings(provider=banks.links.provider, items=banks.links.items),
            StepName.PAYMENTS: PaymentEndings(
                provider=payments.provider, entitlements=payments.entitlements
            ),
            StepName.KEY: shredding.key,
            StepName.POINTERS: shredding.pointers,
            StepName.CHANGES: shredding.changes,
            StepName.RUNTIME: shredding.runtime,
            StepName.LEDGER: shredding.ledger,
        },
        queue=payments.queue,
        clock=tools.clock,
    )
