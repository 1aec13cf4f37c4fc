"""Provider configuration: where the embedded AWS is, which account, which tags.

The engine hands every value over as a JSON string, `"false"` and lists included. Endpoints must be
loopback addresses: a stand-in that could reach a real account would be a danger, not a help.
"""

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from localcloud.providers.aws import schema
from localcloud.providers.aws.values import UNKNOWN, has_unknown
from localcloud.providers.errors import ProviderError

DEFAULT_ACCOUNT = "000000000000"  # what the embedded AWS uses unless the access key is 12 digits
ACCOUNT = re.compile(r"[0-9]{12}")
NO_ENDPOINT = (
    "the stand-in provider has no embedded AWS: the provider configuration names no `endpoints`, "
    "and this plugin never talks to a real account. Start the local cloud (`python -m localcloud "
    "up`) and set its endpoint, or use the real plugin (`pulumi plugin install resource aws`)"
)


@dataclass(frozen=True)
class ProviderConfig:
    """One configured provider. `endpoint_of` maps a service to its URL, `*` being any service."""

    region: str = "us-east-1"
    account: str = DEFAULT_ACCOUNT
    access_key: str = "test"
    secret_key: str = field(default="test", repr=False)
    default_tags: Mapping[str, str] = field(default_factory=dict)
    ignored_tags: frozenset[str] = frozenset()
    ignored_prefixes: tuple[str, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @property
    def partition(self) -> str:
        """The AWS partition the region lies in."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"

    def endpoint_of(self, service: str) -> str:
        """URL of the embedded AWS for a service; raises `ProviderError` when there is none."""
        if service in self.endpoints:
            return self.endpoints[service]
        if self.endpoints:
            # One process answers for every service, so any configured URL is the right one.
            return next(iter(self.endpoints.values()))
        raise ProviderError(NO_ENDPOINT)

    def all_tags(self, tags: Any) -> Any:
        """`tags` over the default tags, without ignored ones; unknown if any part is."""
        if has_unknown(tags):
            return UNKNOWN
        merged = dict(self.default_tags) | dict(tags or {})
        return {
            key: value
            for key, value in merged.items()
            if key not in self.ignored_tags and not key.startswith(self.ignored_prefixes)
        }


def parse(raw: Mapping[str, Any]) -> ProviderConfig:
    """The configuration in `raw` (wire names to JSON strings or values).

    Raises `ProviderError` for an endpoint that is not loopback and for an account that is not
    allowed.
    """
    settings = {key: _decoded(key, value) for key, value in raw.items()}
    endpoints = _endpoints(settings.get("endpoints") or [])
    access_key = str(settings.get("accessKey") or "test")
    ignored = settings.get("ignoreTags") or {}
    config = ProviderConfig(
        region=str(settings.get("region") or os.environ.get("AWS_REGION") or "us-east-1"),
        account=_account(settings, access_key, has_endpoint=bool(endpoints)),
        access_key=access_key,
        secret_key=str(settings.get("secretKey") or "test"),
        default_tags=(settings.get("defaultTags") or {}).get("tags") or {},
        ignored_tags=frozenset(ignored.get("keys") or ()),
        ignored_prefixes=tuple(ignored.get("keyPrefixes") or ()),
        endpoints=endpoints,
    )
    _refuse_wrong_account(config.account, settings)
    return config


def check_endpoints(raw: Mapping[str, Any]) -> None:
    """Raise `ProviderError` when a configured endpoint is not a loopback address."""
    _endpoints(_decoded("endpoints", raw.get("endpoints")) or [])


def _decoded(key: str, value: Any) -> Any:
    """A value out of its JSON string; text settings are text already."""
    known = schema.provider_inputs().get(key)
    if not isinstance(value, str) or value == UNKNOWN or (known and known.shape.kind == "string"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _endpoints(blocks: Any) -> dict[str, str]:
    """Service to URL. Raises `ProviderError` for anything but a loopback address."""
    urls: dict[str, str] = {}
    for block in blocks if isinstance(blocks, list) else []:
        for service, url in block.items():
            if isinstance(url, str) and url and url != UNKNOWN:
                _require_loopback(service, url)
                urls[service] = url
    return urls


def _require_loopback(service: str, url: str) -> None:
    host = urlsplit(url).hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise ProviderError(
            f"endpoint of {service} is {url}: the stand-in provider talks to loopback addresses "
            "only (127.0.0.1, ::1, localhost); use the real plugin for anything else"
        )


def _account(settings: Mapping[str, Any], access_key: str, *, has_endpoint: bool) -> str:
    """The account of the embedded AWS: the access key if it is 12 digits, as the emulator decides.

    Without an endpoint there is no account to ask; the one allowed account is then assumed, so that
    a preview of a real stack shows its own ARNs.
    """
    if ACCOUNT.fullmatch(access_key):
        return access_key
    allowed = settings.get("allowedAccountIds") or []
    if not has_endpoint and len(allowed) == 1 and ACCOUNT.fullmatch(str(allowed[0])):
        return str(allowed[0])
    return DEFAULT_ACCOUNT


def _refuse_wrong_account(account: str, settings: Mapping[str, Any]) -> None:
    allowed = [str(one) for one in settings.get("allowedAccountIds") or []]
    forbidden = [str(one) for one in settings.get("forbiddenAccountIds") or []]
    if (allowed and account not in allowed) or account in forbidden:
        raise ProviderError(f"AWS account ID not allowed: {account}")
