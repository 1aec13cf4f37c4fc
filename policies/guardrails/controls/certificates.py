"""Certificates of load balancers and distributions (ACC-05)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from guardrails.controls import types
from guardrails.controls.declare import judges
from guardrails.controls.tagging import is_sensitive
from guardrails.values import is_set, strings, text
from guardrails.verdicts import Finding, failed, out_of_scope, passed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardrails.control import Options
    from guardrails.graph import Resource

TRANSPARENCY: Final = "options.certificateTransparencyLoggingPreference"
WEAK: Final = ("RSA_1024",)


@judges("ACC-05", types.CERTIFICATE)
def certificate_is_sound(certificate: Resource, options: Options) -> Iterator[Finding]:
    """A certificate proves one name, renews itself, is public knowledge and strong."""
    if is_set(certificate, "certificateBody"):
        yield out_of_scope("imported, so ACM neither issues nor renews it", "certificateBody")
        return
    is_private = is_set(certificate, "certificateAuthorityArn")
    if not is_private and text(certificate, "validationMethod") != "DNS":
        yield failed("validationMethod", "not validated by DNS, so it does not renew by itself")
    names = [
        text(certificate, "domainName") or "",
        *strings(certificate, "subjectAlternativeNames"),
    ]
    if any(name.startswith("*.") for name in names) and is_sensitive(certificate, options):
        yield failed("domainName", "a wildcard covers names that nobody reviewed")
    if text(certificate, TRANSPARENCY) == "DISABLED":
        yield failed(TRANSPARENCY, "issuance is not logged publicly")
    if text(certificate, "keyAlgorithm") in WEAK:
        yield failed("keyAlgorithm", "the key is too short")
    yield passed("validationMethod")
