"""Where the service may be sent by its users: to public hosts, by https, and nowhere else.

An address is looked at twice. As text, when a webhook is made: no port but 443, no user, no literal
address, no name of ours or of a private network. As numbers, before each attempt: a name is
resolved once, every address it has must be public, and the connection goes to one of those.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from budgetbuddy.domain.webhooks import TargetNotAllowed
from budgetbuddy.problems import FieldError

HTTPS_PORT: Final = 443
LONGEST_URL: Final = 2_048
LOOPBACK_HOST: Final = "127.0.0.1"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: `127.1`, `0x7f.1` and their like are addresses to some.
_URL = re.compile(
    rf"https://((?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)(?::443)?(/[!-~]*)?",
    re.IGNORECASE,
)
_LOOPBACK_URL = re.compile(r"http://127\.0\.0\.1:([1-9][0-9]{0,4})(/[!-~]*)?")
_PATH_WITHOUT: Final = frozenset('"#<>\\^`{|}')
_PRIVATE_NAMES: Final = (
    ".internal",
    ".local",
    ".localhost",
    ".localdomain",
    ".lan",
    ".home",
    ".corp",
    ".intranet",
    ".private",
    ".onion",
    ".arpa",
    ".test",
    ".invalid",
)
_LONGEST_HOST: Final = 253
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052, the last four bytes are an IPv4 address
_IPV4_COMPATIBLE = IPv6Network("::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")  # RFC 8215
_SITE_LOCAL = IPv6Network("fec0::/10")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, kw_only=True)
class Target:
    """The parts of an allowed address; `path` is never empty and holds the query."""

    host: str
    port: int
    path: str
    secure: bool = True


class TargetRules:
    """Implements `domain.webhooks.Targets`. `loopback` lets a laptop's receiver be reached too."""

    def __init__(self, *, own_hosts: Iterable[str] = (), loopback: bool = False) -> None:
        self._own = frozenset(host.lower() for host in own_hosts)
        self._loopback = loopback

    def require(self, url: str) -> None:
        """Raises `TargetNotAllowed`."""
        self.target(url)

    def target(self, url: str) -> Target:
        """The parts of `url`; raises `TargetNotAllowed`."""
        if self._loopback and (found := _LOOPBACK_URL.fullmatch(url)):
            path = found.group(2) or "/"
            return Target(host=LOOPBACK_HOST, port=int(found.group(1)), path=path, secure=False)
        found = _URL.fullmatch(url)
        if found is None or len(url) > LONGEST_URL:
            raise _refused()
        host, path = found.group(1).lower(), found.group(2) or "/"
        is_ours = any(host == own or host.endswith(f".{own}") for own in self._own)
        if is_ours or host.endswith(_PRIVATE_NAMES) or len(host) > _LONGEST_HOST:
            raise _refused()
        if _PATH_WITHOUT.intersection(path):
            raise _refused()
        return Target(host=host, port=HTTPS_PORT, path=path)

    def addresses(self, target: Target, resolved: Sequence[str]) -> list[str]:
        """The addresses to try, if every one of them may be; raises `TargetNotAllowed`."""
        if not target.secure:
            return [target.host]
        if not resolved or not all(is_public(text) for text in resolved):
            raise _refused()
        return list(dict.fromkeys(resolved))


def is_public(text: str) -> bool:
    """Whether an address is one of the internet's, in whichever form it is written."""
    try:
        address = ip_address(text)
    except ValueError:
        return False  # a scope (`fe80::1%eth0`), or no address at all
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(str(embedded))
    return address.is_global and not (
        address.is_multicast
        or address.is_reserved
        or address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or (isinstance(address, IPv6Address) and _is_never_public(address))
    )


def _is_never_public(address: IPv6Address) -> bool:
    return address.teredo is not None or address in _NAT64_LOCAL or address in _SITE_LOCAL


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that a translator or tunnel would make of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _IPV4_COMPATIBLE:
        return IPv4Address(address.packed[-4:])
    return None


def _refused() -> TargetNotAllowed:
    error = FieldError(pointer="/url", code=TargetNotAllowed.code, detail=TargetNotAllowed.title)
    return TargetNotAllowed(errors=[error])
