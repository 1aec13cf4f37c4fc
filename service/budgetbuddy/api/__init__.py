"""What clients call: one module per resource, each with its routes and its models."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetbuddy.api._routes import Routes


def all_routes() -> "tuple[Routes, ...]":
    """The routes of every resource, in the order of the document."""
    from budgetbuddy.api import (  # noqa: PLC0415 - the modules import this package
        accounts,
        analytics,
        audit,
        auth,
        billing,
        budgets,
        bulk,
        categories,
        compliance,
        email,
        exports,
        goals,
        imports,
        jobs,
        mfa,
        ops,
        passwords,
        plaid,
        privacy,
        recurring,
        rules,
        sync,
        tokens,
        transactions,
        transfers,
        users,
        webhooks,
    )

    identity = (auth, passwords, mfa, users, email, tokens)
    money = (accounts, transactions, bulk, transfers, categories, imports, exports, jobs, analytics)
    planning = (budgets, goals, rules, recurring)
    connections = (plaid, billing, webhooks, audit, privacy, sync)
    oversight = (compliance, ops)
    modules = (*identity, *money, *planning, *connections, *oversight)
    return (*(module.routes for module in modules), billing.webhooks)
