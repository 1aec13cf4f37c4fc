"""Settings that hold once for a whole account (S3-02, CT-01, IAM-14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges_in_stack
from guardrails.controls.storage import FLAGS
from guardrails.graph import STACK
from guardrails.values import flag, number
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

HERE: Final = "(stack)"
PASSWORD_RULES: Final = (
    "requireLowercaseCharacters", "requireUppercaseCharacters", "requireNumbers", "requireSymbols",
)  # fmt: skip


def present(graph: Graph, options: Options, kind: str, users: str, what: str) -> Finding:
    """Whether the stack declares the account's `kind`, when its types begin with `users`.

    A setting that another stack of the account holds is declared in the option `heldIn`, so that
    the claim stands in a reviewed file.
    """
    if graph.of(kind):
        return passed(HERE)
    if not any(r.type.startswith(users) for r in graph.resources):
        return out_of_scope("the stack declares nothing that it would hold for", HERE)
    if options.text("heldIn"):
        return out_of_scope("declared to be held in another stack of the account", HERE)
    return failed(HERE, f"{what} is declared, and no other stack is named that holds it")


@judges_in_stack("S3-02", STACK, types.ACCOUNT_PUBLIC_ACCESS)
def account_blocks_public_access(
    resource: Resource, graph: Graph, options: Options
) -> Iterator[Finding]:
    """No bucket of the account becomes public, whoever makes it."""
    if resource.type == STACK:
        what = "no public access block of the account"
        yield present(graph, options, types.ACCOUNT_PUBLIC_ACCESS, types.BUCKET, what)
        return
    for name in FLAGS:
        if not flag(resource, name):
            yield failed(name, "the flag is not on")
    yield passed(FLAGS[0])


@judges_in_stack("CT-01", STACK, types.TRAIL)
def a_trail_is_on(resource: Resource, graph: Graph, options: Options) -> Finding:
    """Who did what in the account is recorded."""
    if resource.type == STACK:
        return present(graph, options, types.TRAIL, "aws:", "no trail")
    path = "enableLogging"
    return failed(path, "logging is off") if flag(resource, path) is False else passed(path)


@judges_in_stack("IAM-14", STACK, types.PASSWORD_POLICY)
def passwords_are_strong(resource: Resource, graph: Graph, options: Options) -> Iterator[Finding]:
    """A password of a console user is long, mixed, new, and not too old."""
    if resource.type == STACK:
        yield present(graph, options, types.PASSWORD_POLICY, "aws:iam/", "no password policy")
        return
    if (number(resource, "minimumPasswordLength") or 0) < options.number("length"):
        yield failed("minimumPasswordLength", "passwords may be too short")
    for name in PASSWORD_RULES:
        if not flag(resource, name):
            yield failed(name, "a class of characters is not required")
    if (number(resource, "passwordReusePrevention") or 0) < options.number("history"):
        yield failed("passwordReusePrevention", "old passwords may be used again too soon")
    if not 0 < (number(resource, "maxPasswordAge") or 0) <= options.number("days"):
        yield failed("maxPasswordAge", "passwords do not expire in time")
    yield passed("minimumPasswordLength")
