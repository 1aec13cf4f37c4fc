"""The banks' part of the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from budgetbuddy.composition_identity import Tools
from budgetbuddy.domain.accounts import Accounts
from budgetbuddy.domain.bank_links import BankLinks
from budgetbuddy.domain.bank_syncs import BankSyncs
from budgetbuddy.domain.bank_webhooks import BankWebhooks
from budgetbuddy.domain.messages import Queue
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.pinning import PinningSwitch, Pins
from budgetbuddy.gateways.plaid import PlaidAccess, PlaidBanks
from budgetbuddy.gateways.plaid_webhooks import PlaidEvents, PlaidKeys
from budgetbuddy.gateways.resilience import PLAID, Guards
from budgetbuddy.settings import Settings
from budgetbuddy.store.bank_items import BankItemStore, BankOwnerRows
from budgetbuddy.store.bank_sync import BankSyncStore
from budgetbuddy.store.jobs import JobStore
from budgetbuddy.store.webhook_events import REPLAY_SECONDS, SeenEventRows

WEBHOOK_PATH = "/api/v1/plaid/webhook"


@dataclass(frozen=True, kw_only=True)
class Banks:
    """The services of the banks' part, as `Services` names them."""

    links: BankLinks
    webhooks: BankWebhooks


def build_banks(  # noqa: PLR0913, PLR0917 - one caller
    settings: Settings,
    tools: Tools,
    accounts: Accounts,
    queue: Queue,
    pinning: PinningSwitch,
    raise_alerts: Callable[[UserRef], None],
) -> Banks:
    """Wire them; without credentials of Plaid there is no way to the banks."""
    rows = (tools.store, tools.commands, tools.keys)
    plaid = _plaid(settings, tools.guards, pinning)
    items, ledger = BankItemStore(*rows), BankSyncStore(*rows)
    syncs = BankSyncs(
        provider=plaid,
        items=items,
        ledger=ledger,
        accounts=accounts,
        owners=BankOwnerRows(tools.store),
        jobs=JobStore(tools.store, tools.commands),
        queue=queue,
        clock=tools.clock,
        raise_alerts=raise_alerts,
    )
    links = BankLinks(provider=plaid, items=items, ledger=ledger, syncs=syncs, clock=tools.clock)
    webhooks = BankWebhooks(
        verifier=PlaidEvents(PlaidKeys(plaid), tools.clock) if plaid else None,
        seen=SeenEventRows(tools.store, "plaid", REPLAY_SECONDS),
        syncs=syncs,
        queue=queue,
    )
    return Banks(links=links, webhooks=webhooks)


def _plaid(settings: Settings, guards: Guards, pinning: PinningSwitch) -> PlaidBanks | None:
    if settings.plaid_client_id is None or settings.plaid_secret is None:
        return None
    origin = settings.plaid_origin
    access = PlaidAccess(
        base_url=origin,
        client_id=settings.plaid_client_id,
        secret=settings.plaid_secret.get_secret_value(),
        webhook_url=str(settings.public_base_url).rstrip("/") + WEBHOOK_PATH,
    )
    pins = Pins(PLAID.name, settings.pins_of(origin), pinning)
    return PlaidBanks(access, guards.of(PLAID), pins)
