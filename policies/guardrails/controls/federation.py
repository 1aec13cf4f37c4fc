"""Who comes from outside: workloads with tokens, and people (IAM-12, IAM-13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges
from guardrails.documents import statements
from guardrails.values import number
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardrails.control import Options
    from guardrails.documents import Condition, Statement
    from guardrails.graph import Resource

TRUST: Final = "assumeRolePolicy"
OIDC: Final = ":oidc-provider/"
SAML: Final = ":saml-provider/"
DEFAULT_SESSION_SECONDS: Final = 3600
SUBJECT_PARTS: Final = 2  # repo:owner/name, project_path:group/name


@judges("IAM-12", types.ROLE)
def tokens_are_pinned(role: Resource, _: Options) -> Iterator[Finding]:
    """A workload of one repository becomes the role, not every workload of the provider."""
    judged = False
    for statement in statements(role, TRUST):
        for issuer in _issuers(statement) if statement.allows else ():
            judged = True
            audience, subject = (statement.condition(f"{issuer}:{k}") for k in ("aud", "sub"))
            if audience is None or not audience.is_closed or _is_open(audience.values):
                yield failed(f"{statement.path}.Condition", "the audience is not pinned")
            if subject is None or not _is_pinned(subject):
                yield failed(f"{statement.path}.Condition", "the subject is not pinned")
    yield passed(TRUST) if judged else out_of_scope("no token provider is trusted", TRUST)


def _issuers(statement: Statement) -> list[str]:
    names = (name for kind, name in statement.principals if kind == "federated")
    return [name.partition(OIDC)[2] for name in names if OIDC in name]


def _is_pinned(subject: Condition) -> bool:
    """Whether no wildcard stands in what names the repository; the branch may be left open."""
    heads = (":".join(value.split(":")[:SUBJECT_PARTS]) for value in subject.values)
    return subject.is_closed and not _is_open(heads)


def _is_open(values: Iterable[str]) -> bool:
    return any(set(value) & {"*", "?"} for value in values)


@judges("IAM-13", types.ROLE)
def people_need_a_second_factor(role: Resource, options: Options) -> Iterator[Finding]:
    """A stolen password is not enough, and a session ends."""
    people = [s for s in statements(role, TRUST) if s.allows and _is_for_people(s)]
    if not people:
        yield out_of_scope("no person assumes the role", TRUST)
        return
    for statement in people:
        if not asks_for_factor(statement):
            yield failed(f"{statement.path}.Condition", "no second factor is required")
    path = "maxSessionDuration"
    if (number(role, path) or DEFAULT_SESSION_SECONDS) > options.number("seconds"):
        yield failed(path, "sessions last too long")
    yield passed(TRUST)


def is_for_proven_people(role: Resource) -> bool:
    """Whether only named accounts, users or roles assume it, each after a second factor."""
    found = [s for s in statements(role, TRUST) if s.allows]
    return bool(found) and all(
        asks_for_factor(s) and all(kind == "aws" for kind, _ in s.principals) for s in found
    )


def _is_for_people(statement: Statement) -> bool:
    """Accounts and users stand for people; roles and services for programs."""
    for kind, name in statement.principals:
        if kind == "federated" and SAML in name:
            return True
        if kind == "aws" and ":role/" not in name and ":assumed-role/" not in name:
            return True
    return False


def asks_for_factor(statement: Statement) -> bool:
    """An identity provider asks itself; else the condition must, and be true when it is absent."""
    if all(SAML in name for kind, name in statement.principals if kind == "federated") and any(
        kind == "federated" for kind, _ in statement.principals
    ):
        return True
    condition = statement.condition("aws:MultiFactorAuthPresent")
    if condition is None:
        age = statement.condition("aws:MultiFactorAuthAge")
        return age is not None and age.is_closed
    return condition.operator == "bool" and all(
        value.strip('"').lower() == "true" for value in condition.values
    )
