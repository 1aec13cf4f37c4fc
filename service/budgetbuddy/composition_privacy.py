"""The privacy half of the composition root."""

from budgetbuddy.composition_banks import Banks
from budgetbuddy.composition_identity import Identity, Tools
from budgetbuddy.domain.erasure import BankEndings, Erasures, StepName
from budgetbuddy.domain.messages import Queue
from budgetbuddy.store.erasures import ErasureStore
from budgetbuddy.store.shredding import Shredding


def build_erasures(tools: Tools, identity: Identity, banks: Banks, queue: Queue) -> Erasures:
    """Wire the steps of an erasure to what removes."""
    shredding = Shredding(tools.store, tools.commands, tools.keys.forget)
    return Erasures(
        rows=ErasureStore(tools.store, tools.commands),
        credentials=identity.credentials,
        removers={
            StepName.BANKS: BankEndings(provider=banks.links.provider, items=banks.links.items),
            StepName.KEY: shredding.key,
            StepName.POINTERS: shredding.pointers,
            StepName.CHANGES: shredding.changes,
            StepName.RUNTIME: shredding.runtime,
            StepName.LEDGER: shredding.ledger,
        },
        queue=queue,
        clock=tools.clock,
    )
