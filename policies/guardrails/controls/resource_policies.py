"""Policies on resources: who outside is let in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from guardrails.documents import statements
from guardrails.values import Known, read

if TYPE_CHECKING:
    from guardrails.documents import Statement
    from guardrails.graph import Resource
    from guardrails.values import Path

ACCOUNT_IN_ARN = re.compile(r"^arn:[^:]*:[^:]*:[^:]*:(\d{12}):")


def open_to(resource: Resource, path: Path, declared: list[str]) -> tuple[str, str] | None:
    """Path and kind of the first statement that lets the public or a foreign account in.

    Accounts count as foreign when they are neither declared nor the one the policy's own resources
    name, nor the provider's allowed accounts.
    """
    found = statements(resource, path)
    own = set(declared) | _accounts_of(resource, found)
    for statement in found:
        if not statement.allows:
            continue
        if statement.any_principal and not statement.is_narrowed:
            return f"{statement.path}.Principal", "any principal is allowed without a condition"
        if statement.accounts() - own:
            return f"{statement.path}.Principal", "an account that is not declared is allowed"
        if any(kind == "canonicaluser" for kind, _ in statement.principals):
            return f"{statement.path}.Principal", "a canonical user hides which account is allowed"
    return None


def _accounts_of(resource: Resource, found: list[Statement]) -> set[str]:
    """The account the resource lives in, as far as it can be told."""
    accounts: set[str] = set()
    if resource.provider is not None:
        match read(resource.provider, "allowedAccountIds"):
            case Known(allowed):  # a JSON string or a list, depending on the source
                accounts = set(re.findall(r"\d{12}", str(allowed)))
            case _:
                pass
    for statement in found:
        named = (ACCOUNT_IN_ARN.match(arn) for arn in statement.resources)
        accounts |= {match[1] for match in named if match}
    return accounts
