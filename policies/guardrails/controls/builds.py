"""CodeBuild projects (CB-01 to CB-04)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.credentials import looks_like_credential
from guardrails.controls.customer_keys import names_customer_key
from guardrails.controls.declare import judges
from guardrails.controls.tagging import tag
from guardrails.values import Unknown, flag, is_set, items, read, text
from guardrails.verdicts import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource

VARIABLES: Final = "environment.environmentVariables"
LOGS: Final = "logsConfig"


@judges("CB-01", types.BUILD_PROJECT)
def no_plain_credentials(project: Resource, _: Options) -> Iterator[Finding]:
    """A credential is fetched by the build, not shown to everybody who may look at the project."""
    for variable in items(project, VARIABLES):
        if (text(variable, "type") or "PLAINTEXT") != "PLAINTEXT":
            continue
        if read(variable, "value") == Unknown(variable.at("value"), "secret"):
            continue  # an export that was not decrypted: it was a secret
        name, value = text(variable, "name") or "", text(variable, "value") or ""
        if reason := looks_like_credential(name, value):
            yield failed(variable.at("value"), reason)
    yield passed(VARIABLES)


@judges("CB-02", types.BUILD_PROJECT)
def builds_are_logged(project: Resource, _: Options) -> Finding:
    """What a build did can be read afterwards."""
    if text(project, f"{LOGS}.s3Logs.status") == "ENABLED":
        return passed(LOGS)
    group = f"{LOGS}.cloudwatchLogs"
    if is_set(project, f"{group}.groupName") and text(project, f"{group}.status") != "DISABLED":
        return passed(LOGS)
    return failed(LOGS, "no log group or bucket is named")


@judges("CB-03", types.BUILD_PROJECT)
def results_are_encrypted(project: Resource, _: Options) -> Iterator[Finding]:
    """What a build leaves behind is encrypted with a key of one's own."""
    if not names_customer_key(project, "encryptionKey"):
        yield failed("encryptionKey", "no key is named")
    places = (*items(project, "artifacts"), *items(project, "secondaryArtifacts"),
              *items(project, f"{LOGS}.s3Logs"))  # fmt: skip
    for place in places:
        if flag(place, "encryptionDisabled"):
            yield failed(place.at("encryptionDisabled"), "encryption is switched off")
    yield passed("encryptionKey")


@judges("CB-04", types.BUILD_PROJECT)
def builds_have_no_privileges(project: Resource, options: Options) -> Finding:
    """A build controls its own host only where it has to, to build images."""
    path = "environment.privilegedMode"
    if not flag(project, path):
        return passed(path)
    name, _, value = options.text("imageTag").partition("=")
    if tag(project, name) == value:
        return passed(path, "declared to build images")
    return failed(path, "the build is privileged and does not say that it builds images")
