"""What holds once for a whole account (S3-02, CT-01, IAM-14, ACC-01, ACC-02)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges_in_stack
from guardrails.controls.storage import FLAGS
from guardrails.graph import STACK
from guardrails.values import flag, number, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Graph, Resource

HERE: Final = "(stack)"
PASSWORD_RULES: Final = (
    "requireLowercaseCharacters", "requireUppercaseCharacters", "requireNumbers", "requireSymbols",
)  # fmt: skip
# Features of GuardDuty, and where an older program sets them in the detector itself.
FEATURES: Final = {
    "S3_DATA_EVENTS": "datasources.s3Logs.enable",
    "EBS_MALWARE_PROTECTION": (
        "datasources.malwareProtection.scanEc2InstanceWithFindings.ebsVolumes.enable"
    ),
}


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


@judges_in_stack("ACC-01", STACK, types.DETECTOR)
def attackers_are_looked_for(
    resource: Resource, graph: Graph, options: Options
) -> Iterator[Finding]:
    """GuardDuty watches the account, its objects and its disks."""
    if resource.type == STACK:
        yield present(graph, options, types.DETECTOR, "aws:", "no detector")
        return
    if flag(resource, "enable") is False:
        yield failed("enable", "the detector is off")
    features = {
        text(feature, "name")
        for feature in graph.sources(resource, types.DETECTOR_FEATURE, "detectorId")
        if text(feature, "status") == "ENABLED"
    }
    for name, inline in FEATURES.items():
        if name not in features and not flag(resource, inline):
            yield failed("datasources", f"the feature {name} is off")
    yield passed("enable")


@judges_in_stack("ACC-02", STACK, types.RECORDER, types.SECURITY_HUB)
def configuration_is_recorded(
    resource: Resource, graph: Graph, options: Options
) -> Iterator[Finding]:
    """Every resource's history is kept, and weaknesses are gathered in one place."""
    if resource.type == STACK:
        yield present(graph, options, types.RECORDER, "aws:", "no configuration recorder")
        if graph.of(types.RECORDER):
            yield present(graph, options, types.SECURITY_HUB, "aws:", "no Security Hub")
        return
    if resource.type == types.SECURITY_HUB:
        yield passed("enableDefaultStandards", "Security Hub is enabled")
        return
    for name, default in (("allSupported", True), ("includeGlobalResourceTypes", False)):
        chosen = flag(resource, f"recordingGroup.{name}")
        if not (default if chosen is None else chosen):
            yield failed(f"recordingGroup.{name}", "some resources are not recorded")
    statuses = graph.sources(resource, types.RECORDER_STATUS, "name")
    if not any(flag(status, "isEnabled") for status in statuses):
        yield failed("recorderStatus.isEnabled", "the recorder is not started")
    yield passed("recordingGroup")
