"""Whatever is kept for a user is synced, or somebody said why not; and every kind is in the map."""

import re
from pathlib import Path

import budgetbuddy.store
from budgetbuddy.api.sync import VIEWS
from budgetbuddy.domain.data_map import DATA_MAP, kept_as
from budgetbuddy.domain.sync import SyncType
from budgetbuddy.store.sync import KEYS, PREFIXES

SOURCES = {
    path.name: path.read_text() for path in Path(budgetbuddy.store.__file__).parent.glob("*.py")
}
NOT_SYNCED = {
    "HEAD": "where the feed itself stands",
    "OUTBOX": "how far webhooks were told",
    "MFA": "secrets of signing in",
    "PAT#": "secrets of scripts; managed in a session",
    "W#": "secrets of other systems; managed one by one",
    "ENT": "asked of /billing when it matters, for it may end any moment",
    "P#": "state of the provider, not the user's; its accounts and rows are synced",
    "PI#": "a lock",
    "X#": "a lock",
    "M#": "sums of transactions, which are synced",
    "RULEORDER": "told by the rules, which have a position",
    "GC#": "told by the goal, whose sum and milestones are synced; listed with it",
    "BA#": "listed by /budgets/alerts, and told by webhook",
}
# Kinds of changes that are no entity: what webhooks are told, and what is not synced.
NO_ENTITY = {"alert", "milestone", "import", "attention", "bank_item", "entitlement"}


def test_every_kind_of_row_in_the_ledger_is_synced_or_has_its_reason() -> None:
    kinds = {kept.prefix for kept in DATA_MAP if kept.table == "Ledger"}

    assert PREFIXES.keys() | {"PROFILE"} | NOT_SYNCED.keys() == kinds
    assert not (PREFIXES.keys() | {"PROFILE"}) & NOT_SYNCED.keys()


def test_every_type_that_is_synced_is_found_shown_and_told() -> None:
    told = {
        kind
        for text in SOURCES.values()
        for kind in re.findall(r'Change\(\s*type="([a-z_]+)"', text)
    }

    assert set(SyncType) == set(KEYS) == set(VIEWS) == {*PREFIXES.values(), SyncType.PROFILE}
    assert set(map(str, SyncType)) <= told
    assert told - set(map(str, SyncType)) <= NO_ENTITY


def test_every_kind_of_row_below_a_user_is_in_the_data_map() -> None:
    """What the code writes there: by its own prefixes, and by whole sort keys."""
    found: set[str] = set()
    for text in SOURCES.values():
        names = dict(re.findall(r'^([A-Z_]+) = "([A-Z]+#)"', text, re.MULTILINE))
        keys = re.findall(r'pk=f"U#\{[a-z_.]+\}",\s*sk=f?"([^"]+)"', text)
        keys += re.findall(r'"pk": f"U#\{[a-z_.]+\}",\s*"sk": f?"([^"]+)"', text)
        for name, prefix in names.items():
            keys = [key.replace(f"{{{name}}}", prefix) for key in keys]
        found |= {re.split(r"(?<=#)|\{", key)[0] for key in keys}
    found.discard("")

    unknown = {key for key in found if not any(kept_as(t, key) for t in ("Ledger", "Runtime"))}
    assert unknown == set()
    assert len(found) > 20
