"""IAM policies and roles (IAM-01 to IAM-03, IAM-06 to IAM-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges
from guardrails.controls.federation import asks_for_factor
from guardrails.controls.scoping import needs_every_resource
from guardrails.documents import Statement, statements
from guardrails.values import is_set, items, known_text, strings, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource

DOCUMENT: Final = "policy"
SOURCES: Final = ("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths")
TRUST: Final = "assumeRolePolicy"
ADMINISTRATOR_POLICIES: Final = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
# Where a list of attached policies stands, by type; the others attach one each.
ATTACHED: Final = {types.ROLE: "managedPolicyArns", types.ROLE_ATTACHMENTS: "policyArns"}
USER_TYPES: Final = (
    types.USER, types.ACCESS_KEY, types.LOGIN_PROFILE, types.USER_POLICY, types.USER_ATTACHMENT,
)  # fmt: skip


def granted(resource: Resource) -> Iterator[Statement]:
    """The Allow statements of an identity policy; of a role, those of its inline policies."""
    if resource.type == types.ROLE:
        for inline in items(resource, "inlinePolicies"):
            yield from (s for s in statements(inline, DOCUMENT) if s.allows)
    else:
        yield from (s for s in statements(resource, DOCUMENT) if s.allows)


JUDGED: Final = (*types.IDENTITY_POLICIES, types.ROLE)


def _path(resource: Resource) -> str:
    return "inlinePolicies" if resource.type == types.ROLE else DOCUMENT


@judges("IAM-01", *JUDGED)
def no_full_access(resource: Resource, _: Options) -> Iterator[Finding]:
    """No statement allows everything on everything."""
    for statement in granted(resource):
        if statement.every_action and statement.every_resource:
            yield failed(statement.path, "every action on every resource is allowed")
    yield passed(_path(resource))


@judges("IAM-02", *JUDGED)
def no_whole_service(resource: Resource, _: Options) -> Iterator[Finding]:
    """No statement allows all actions of a service."""
    for statement in granted(resource):
        if statement.every_action or any(a.endswith(":*") for a in statement.actions):
            yield failed(f"{statement.path}.Action", "all actions of a service are allowed")
    yield passed(_path(resource))


@judges("IAM-03", *JUDGED)
def resources_are_named(resource: Resource, _: Options) -> Iterator[Finding]:
    """Actions that AWS can scope are scoped."""
    for statement in granted(resource):
        if not statement.every_resource:
            continue
        scopable = [a for a in statement.actions if not needs_every_resource(a)]
        if scopable or statement.not_actions:
            yield failed(f"{statement.path}.Resource", "every resource, for a scopable action")
    yield passed(_path(resource))


@judges("IAM-06", *JUDGED)
def pass_role_is_scoped(resource: Resource, _: Options) -> Iterator[Finding]:
    """A role is passed by name, and only to the service it is meant for."""
    for statement in granted(resource):
        if not statement.allows_action("iam:passrole"):
            continue
        if any(_means_any_role(name) for name in statement.resources):
            yield failed(f"{statement.path}.Resource", "any role may be passed")
        service = statement.condition("iam:PassedToService")
        if service is None or not service.is_closed:
            yield failed(f"{statement.path}.Condition", "roles may be passed to any service")
    yield passed(_path(resource))


def _means_any_role(resource: str) -> bool:
    """Whether an ARN leaves the name of the role open."""
    return resource.endswith(":role/*") or ("*" in resource and ":role/" not in resource)


@judges("IAM-07", *JUDGED)
def no_allow_by_exclusion(resource: Resource, _: Options) -> Iterator[Finding]:
    """What is allowed is listed; "everything but" grows with every new AWS service."""
    trust = statements(resource, TRUST) if resource.type == types.ROLE else []
    for statement in [*granted(resource), *(s for s in trust if s.allows)]:
        for name, used in (
            ("NotAction", statement.not_actions),
            ("NotResource", statement.not_resources),
            ("NotPrincipal", statement.not_principals),
        ):
            if used:
                yield failed(f"{statement.path}.{name}", "an Allow by exclusion")
    yield passed(_path(resource))


@judges("IAM-08", types.ROLE)
def trust_names_principals(role: Resource, options: Options) -> Iterator[Finding]:
    """Who may become the role is named; a foreign account also has to know an external id."""
    declared = set(options.strings("accounts"))
    for statement in statements(role, TRUST):
        if not statement.allows:
            continue
        if statement.any_principal:
            yield failed(f"{statement.path}.Principal", "anyone may assume the role")
        elif (statement.accounts() - declared) and not _is_tied(statement):
            yield failed(f"{statement.path}.Condition", "an account without an external id")
    yield passed(TRUST)


def _is_tied(statement: Statement) -> bool:
    """Whether the statement asks for more than coming from the account."""
    bare = any(name.isdigit() or name.endswith(":root") for _, name in statement.principals)
    keys = ("sts:ExternalId", "aws:PrincipalArn", "aws:PrincipalOrgID")
    return not bare or asks_for_factor(statement) or any(map(statement.is_bound_to, keys))


@judges("IAM-09", types.ROLE, types.FUNCTION_PERMISSION)
def service_trust_names_its_source(resource: Resource, options: Options) -> Iterator[Finding]:
    """A service acts only for this account (the confused deputy)."""
    if resource.type == types.FUNCTION_PERMISSION:
        yield _caller_names_its_source(resource)
        return
    judged = False
    for statement in statements(resource, TRUST):
        services = [name for kind, name in statement.principals if kind == "service"]
        exempt = options.strings("services")
        if not statement.allows or not any(s not in exempt for s in services):
            continue
        judged = True
        if not any(map(statement.is_bound_to, SOURCES)):
            yield failed(f"{statement.path}.Condition", "a service may act for any account")
    yield passed(TRUST) if judged else out_of_scope("no service that sends a source", TRUST)


def _caller_names_its_source(permission: Resource) -> Finding:
    principal = text(permission, "principal") or ""
    tied = any(is_set(permission, key) for key in ("sourceAccount", "sourceArn", "principalOrgId"))
    if principal == "*" and not tied:
        return failed("principal", "anyone may call the function")
    if principal.endswith(".amazonaws.com") and not tied:
        return failed("sourceArn", "a service may call the function for any account")
    return passed("principal")


@judges("IAM-10", *ATTACHED, types.ROLE_ATTACHMENT, types.POLICY_ATTACHMENT,
        types.GROUP_ATTACHMENT, types.USER_ATTACHMENT)  # fmt: skip
def no_administrator_policy(resource: Resource, _: Options) -> Iterator[Finding]:
    """None of AWS's administrator policies is attached."""
    path = ATTACHED.get(resource.type, "policyArn")
    attached = (
        [(n.path, known_text(n)) for n in items(resource, path)]
        if resource.type in ATTACHED
        else [(path, text(resource, path) or "")]
    )
    for where, arn in attached:
        if arn.rpartition("/")[2] in ADMINISTRATOR_POLICIES:
            yield failed(where, "an administrator policy of AWS")
    yield passed(path)


@judges("IAM-11", *USER_TYPES, types.POLICY_ATTACHMENT)
def no_users(resource: Resource, _: Options) -> Finding:
    """People come from an identity provider, programs from roles."""
    if resource.type == types.POLICY_ATTACHMENT and not strings(resource, "users"):
        return passed("users", "the attachment names no user")
    return failed("", "an IAM user, or something that belongs to one")
