"""The banks' part of the composition root."""

from budgetbuddy.composition_identity import Tools
from budgetbuddy.domain.accounts import Accounts
from budgetbuddy.domain.bank_links import BankLinks
from budgetbuddy.gateways.plaid import HOSTS, PlaidAccess, PlaidBanks
from budgetbuddy.gateways.resilience import PLAID, Guard
from budgetbuddy.settings import Settings
from budgetbuddy.store.bank_items import BankItemStore
from budgetbuddy.store.bank_sync import BankSyncStore

WEBHOOK_PATH = "/api/v1/plaid/webhook"


def build_bank_links(settings: Settings, tools: Tools, accounts: Accounts) -> BankLinks:
    """Wire them; without credentials of Plaid there is no way to the banks."""
    rows = (tools.store, tools.commands, tools.keys)
    return BankLinks(
        provider=_plaid(settings),
        items=BankItemStore(*rows),
        ledger=BankSyncStore(*rows),
        accounts=accounts,
        clock=tools.clock,
    )


def _plaid(settings: Settings) -> PlaidBanks | None:
    if settings.plaid_client_id is None or settings.plaid_secret is None:
        return None
    base = settings.plaid_base_url or HOSTS[settings.plaid_environment]
    access = PlaidAccess(
        base_url=str(base).rstrip("/"),
        client_id=settings.plaid_client_id,
        secret=settings.plaid_secret.get_secret_value(),
        webhook_url=str(settings.public_base_url).rstrip("/") + WEBHOOK_PATH,
    )
    return PlaidBanks(access, Guard(PLAID))
