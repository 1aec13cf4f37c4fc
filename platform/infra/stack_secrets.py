"""Keys of a stack file whose values are encrypted: checked here, and never in the settings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi

NAMESPACE = "budgetbuddy"
ORIGIN_VERIFY = "originVerify"
ORIGIN_VERIFY_PREVIOUS = "originVerifyPrevious"
HEADER_VALUE = r"[A-Za-z0-9]{32,128}"


@dataclass(frozen=True, kw_only=True)
class SecretKey:
    """`pattern` is what the value must match, `must` the same in words."""

    meaning: str
    pattern: str
    must: str


HEADER_MUST = "must be 32 to 128 letters and digits"
SECRET_KEYS: Mapping[str, SecretKey] = {
    ORIGIN_VERIFY: SecretKey(
        meaning="what CloudFront proves itself with to the load balancer; required with `edge.cdn`",
        pattern=HEADER_VALUE,
        must=HEADER_MUST,
    ),
    ORIGIN_VERIFY_PREVIOUS: SecretKey(
        meaning="the value before, accepted as well while one takes the other's place",
        pattern=HEADER_VALUE,
        must=HEADER_MUST,
    ),
}
ENCRYPTED = frozenset(f"{NAMESPACE}:{name}" for name in SECRET_KEYS)


def secret_problems(
    config: Mapping[str, str], encrypted: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """(key, what it must be) of every secret that is wrong; no value is repeated."""
    for name, key in SECRET_KEYS.items():
        full = f"{NAMESPACE}:{name}"
        if full not in config:
            continue
        if full not in encrypted:
            yield full, f"must be encrypted: pulumi config set --secret {full}   (value on stdin)"
        elif re.fullmatch(key.pattern, config[full]) is None:
            yield full, key.must


@dataclass(frozen=True, kw_only=True)
class OriginHeader:
    """The value CloudFront sends, and those the load balancer's firewall accepts."""

    sent: pulumi.Output[str]
    accepted: tuple[pulumi.Output[str], ...]


def origin_header() -> OriginHeader:
    """The running stack's; the settings saw to it that there is one."""
    config = pulumi.Config(NAMESPACE)
    sent = config.require_secret(ORIGIN_VERIFY)
    previous = config.get_secret(ORIGIN_VERIFY_PREVIOUS)
    return OriginHeader(sent=sent, accepted=(sent,) if previous is None else (sent, previous))
