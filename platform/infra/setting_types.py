"""What a setting's value must be: checks that say in words what they ask for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel)


@dataclass(frozen=True)
class Check:
    """A rule on one value, in words and as a test; the words are the message and the reference."""

    must: str
    holds: Callable[[Any], bool]

    def __call__(self, value: Any) -> Any:
        """The value itself. Raises ValueError with the words."""
        if not self.holds(value):
            raise ValueError(self.must)
        return value


def checked(must: str, holds: Callable[[Any], bool]) -> AfterValidator:
    """A validator for what `holds`, with `must` as its message."""
    return AfterValidator(Check(must, holds))


def matches(pattern: str, must: str) -> AfterValidator:
    """A validator whose message says in words what the pattern asks for."""
    return checked(must, lambda value: re.fullmatch(pattern, value) is not None)


def one_of(allowed: tuple[int, ...], must: str) -> AfterValidator:
    """A validator for the values AWS takes."""
    return checked(must, allowed.__contains__)


LARGEST_VPC = 16  # AWS limit
SMALLEST_VPC = (
    19  # gives each zone a private /23 and a public /27, the smallest for a load balancer
)


def _is_private_network(value: IPv4Network) -> bool:
    return value.is_private and LARGEST_VPC <= value.prefixlen <= SMALLEST_VPC


def _are_three_zones(value: tuple[str, ...]) -> bool:
    return len(value) == len(set(value)) == 3  # noqa: PLR2004 - the rule itself


PrivateNetwork = Annotated[
    IPv4Network,
    checked(
        "must be a private range of /16 to /19, to hold a private and a public subnet"
        " in each of three zones",
        _is_private_network,
    ),
]
Zones = Annotated[
    tuple[str, ...],
    checked("must be exactly three different availability zones", _are_three_zones),
]

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
LOG_RETENTION_DAYS = (30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557)
_HOST = r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"

Region = Annotated[str, matches(r"[a-z]{2}-[a-z]+-[0-9]", "must be an AWS region")]
AccountId = Annotated[str, matches(r"[0-9]{12}", "must be the 12 digits of an AWS account")]
Host = Annotated[str, matches(_HOST, "must be a lower-case host name without wildcard")]
Url = Annotated[
    str, matches(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", "must be http(s)://host[:port], no path")
]
Pin = Annotated[
    str, matches(r"sha256/[A-Za-z0-9+/]{43}=", "must be sha256/ and the base64 of a SHA-256")
]
Email = Annotated[str, matches(r"[^@\s]+@[^@\s]+\.[^@\s]+", "must be an e-mail address")]
Digest = Annotated[
    str,
    matches(
        r"sha256:[0-9a-f]{64}",
        "must be an image digest, sha256: and 64 hex digits; a tag can be moved",
    ),
]
Percent = Annotated[float, Field(gt=0, le=100)]
