"""CloudFront distributions alone (CF-01 to CF-04, CF-07, CF-09)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges
from guardrails.controls.tagging import is_protected
from guardrails.values import block, flag, is_set, items, strings, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource
    from guardrails.values import Node

BEHAVIOUR: Final = "defaultCacheBehavior"
CERTIFICATE: Final = "viewerCertificate"
SECURE_VIEWERS: Final = ("https-only", "redirect-to-https")
SECURE_PROTOCOLS: Final = {"TLSv1.2", "TLSv1.3"}


def behaviours(distribution: Resource) -> list[Node]:
    """The default behaviour and every ordered one."""
    default = block(distribution, BEHAVIOUR)
    return [*([default] if default else []), *items(distribution, "orderedCacheBehaviors")]


@judges("CF-01", types.DISTRIBUTION)
def viewers_use_https(distribution: Resource, _: Options) -> Iterator[Finding]:
    """No behaviour answers in plain text."""
    for behaviour in behaviours(distribution):
        if text(behaviour, "viewerProtocolPolicy") not in SECURE_VIEWERS:
            yield failed(behaviour.at("viewerProtocolPolicy"), "plain HTTP is served")
    yield passed(BEHAVIOUR)


@judges("CF-02", types.DISTRIBUTION)
def certificate_is_own(distribution: Resource, options: Options) -> Iterator[Finding]:
    """A certificate of one's own, and no protocol before TLS 1.2."""
    if not any(
        is_set(distribution, f"{CERTIFICATE}.{key}")
        for key in ("acmCertificateArn", "iamCertificateId")
    ):
        yield failed(CERTIFICATE, "CloudFront's own certificate, which admits TLS 1.0")
    if text(distribution, f"{CERTIFICATE}.sslSupportMethod") != "sni-only":
        yield failed(f"{CERTIFICATE}.sslSupportMethod", "clients without SNI are served")
    minimum = text(distribution, f"{CERTIFICATE}.minimumProtocolVersion")
    if minimum not in options.strings("versions"):
        yield failed(f"{CERTIFICATE}.minimumProtocolVersion", "a protocol that is not on the list")
    yield passed(CERTIFICATE)


@judges("CF-03", types.DISTRIBUTION)
def origins_use_https(distribution: Resource, _: Options) -> Iterator[Finding]:
    """The way from the edge to the origin is encrypted as well."""
    judged = False
    for origin in items(distribution, "origins"):
        custom = block(origin, "customOriginConfig")
        if custom is None:
            continue
        judged = True
        if text(custom, "originProtocolPolicy") != "https-only":
            yield failed(custom.at("originProtocolPolicy"), "the origin is asked in plain text")
        protocols = set(strings(custom, "originSslProtocols"))
        if not protocols:
            yield failed(custom.at("originSslProtocols"), "no protocol is named")
        elif not protocols <= SECURE_PROTOCOLS:
            yield failed(custom.at("originSslProtocols"), "a protocol before TLS 1.2")
    yield passed("origins") if judged else out_of_scope("no custom origin", "origins")


@judges("CF-04", types.DISTRIBUTION)
def behind_a_firewall(distribution: Resource, _: Options) -> Finding:
    """Attacks are stopped at the edge."""
    path = "webAclId"
    return passed(path) if is_set(distribution, path) else failed(path, "no web ACL is attached")


@judges("CF-07", types.DISTRIBUTION)
def root_is_answered(distribution: Resource, _: Options) -> Finding:
    """A request for the root shows one object, not a listing."""
    path = "defaultRootObject"
    return passed(path) if text(distribution, path) else failed(path, "no object is named")


@judges("CF-09", types.DISTRIBUTION)
def fails_over(distribution: Resource, options: Options) -> Iterator[Finding]:
    """A second origin answers when the first one does not."""
    path = "originGroups"
    if not is_protected(distribution, options):
        yield out_of_scope("not in an environment that must fail over", "tags")
    elif not items(distribution, path):
        yield failed(path, "no origin group")
    elif flag(distribution, "enabled") is False:
        yield out_of_scope("the distribution is switched off", "enabled")
    else:
        yield passed(path)
