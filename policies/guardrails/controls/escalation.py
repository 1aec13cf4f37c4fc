"""Permissions from which others can be gained, or data carried off (IAM-04, IAM-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges, judges_in_stack
from guardrails.controls.identity import JUDGED, granted
from guardrails.documents import statements
from guardrails.values import MISSING, read
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardrails.control import Options
    from guardrails.documents import Statement
    from guardrails.graph import Graph, Resource

PASS_ROLE: Final = "iam:passrole"  # noqa: S105 - an action
# Sets of actions that together give more than they say. After the methods published by Rhino
# Security Labs (2018) and the list of Cloudsplaining.
ESCALATIONS: Final = (
    ("iam:createpolicyversion",),
    ("iam:setdefaultpolicyversion",),
    ("iam:attachuserpolicy",),
    ("iam:attachgrouppolicy",),
    ("iam:attachrolepolicy",),
    ("iam:putuserpolicy",),
    ("iam:putgrouppolicy",),
    ("iam:putrolepolicy",),
    ("iam:addusertogroup",),
    ("iam:updateassumerolepolicy",),
    ("iam:createaccesskey",),
    ("iam:createloginprofile",),
    ("iam:updateloginprofile",),
    (PASS_ROLE, "lambda:createfunction", "lambda:invokefunction"),
    (PASS_ROLE, "lambda:createfunction", "lambda:createeventsourcemapping"),
    (PASS_ROLE, "ec2:runinstances"),
    (PASS_ROLE, "ecs:registertaskdefinition", "ecs:runtask"),
    (PASS_ROLE, "cloudformation:createstack"),
    (PASS_ROLE, "codebuild:createproject", "codebuild:startbuild"),
    (PASS_ROLE, "glue:createdevendpoint"),
    (PASS_ROLE, "sagemaker:createnotebookinstance", "sagemaker:createpresignednotebookinstanceurl"),
    (PASS_ROLE, "states:createstatemachine", "states:startexecution"),
)
# Actions that hand out credentials or whole data sets; each can be scoped or conditioned.
EXPOSURE: Final = (
    "iam:createaccesskey", "iam:createloginprofile", "iam:createservicespecificcredential",
    "iam:resetservicespecificcredential", "iam:updateloginprofile", "sts:assumerole",
    "sts:getfederationtoken", "cognito-identity:getcredentialsforidentity",
    "ec2:getpassworddata", "rds-db:connect", "redshift:getclustercredentials",
    "dynamodb:batchgetitem", "dynamodb:exporttabletopointintime", "dynamodb:getitem",
    "dynamodb:query", "dynamodb:scan", "kms:decrypt", "lambda:getfunction",
    "rds:copydbsnapshot", "s3:getobject", "secretsmanager:getsecretvalue",
    "sqs:receivemessage", "ssm:getparameter", "ssm:getparameters", "ssm:getparametersbypath",
)  # fmt: skip


@judges("IAM-04", *JUDGED)
def document_does_not_escalate(resource: Resource, _: Options) -> Iterator[Finding]:
    """One document alone does not lead to more rights, nor to roles without a boundary."""
    found = list(granted(resource))
    for statement in found:
        if statement.allows_action("iam:createrole") and not _is_bounded(statement):
            yield failed(statement.path, "roles may be created without a permissions boundary")
    if escalates(found):
        yield failed("policy", "the actions together lead to more rights")
    if resource.type != types.ROLE:
        yield passed("policy")


@judges_in_stack("IAM-04", types.ROLE)
def role_does_not_escalate(role: Resource, graph: Graph, _: Options) -> Finding:
    """Nor do all documents of a role together."""
    if escalates(granted_to(role, graph)):
        return failed("policy", "the role's policies together lead to more rights")
    return passed("policy")


def escalates(found: Iterable[Statement]) -> bool:
    """Whether one of the known sets is allowed on a broad range of resources."""
    broad = [s for s in found if s.allows and _is_broad(s) and not _is_bounded(s)]
    return any(
        all(any(s.allows_action(action) for s in broad) for action in actions)
        for actions in ESCALATIONS
    )


def _is_broad(statement: Statement) -> bool:
    """Whether a wildcard stands in the name of a resource."""
    names = (arn.rpartition(":")[2] for arn in statement.resources)
    return bool(statement.not_resources) or any("*" in name for name in names)


def _is_bounded(statement: Statement) -> bool:
    """Whether what is created or changed must carry a permissions boundary."""
    return statement.condition("iam:PermissionsBoundary") is not None


def granted_to(role: Resource, graph: Graph) -> Iterator[Statement]:
    """What a role may do by its inline policies, split ones, and managed ones of this stack."""
    yield from granted(role)
    documents = list(graph.sources(role, types.ROLE_POLICY, "role"))
    for link in graph.sources(role, types.ROLE_ATTACHMENT, "role"):
        documents += graph.targets(link, "policyArn", types.POLICY)
    for document in documents:
        if read(document, "policy") is not MISSING:
            yield from statements(document, "policy")


@judges("IAM-05", *JUDGED)
def nothing_is_carried_off(resource: Resource, _: Options) -> Iterator[Finding]:
    """Credentials and data are handed out for named resources or under a condition only."""
    for statement in granted(resource):
        if not statement.every_resource or statement.conditions:
            continue
        if any(statement.allows_action(action) for action in EXPOSURE):
            yield failed(statement.path, "credentials or data of every resource may be read")
    yield passed("policy")
