"""Data sources: the few our programs use, everything else is refused by name."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.providers.aws import policy_document
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.errors import ProviderError

ZONES = 3
ARGUMENTS = Mapping[str, Any]
CLOUDFRONT_ORIGINS = "com.amazonaws.global.cloudfront.origin-facing"


def answer(token: str, arguments: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    """The result of a data source. Raises `ProviderError` for one the stand-in does not know."""
    handler = HANDLERS.get(token)
    if handler is None:
        known = ", ".join(sorted(HANDLERS))
        raise ProviderError(f"the stand-in provider has no {token}; it answers only {known}")
    return handler(arguments, config)


def _identity(_: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    arn = f"arn:{config.partition}:iam::{config.account}:root"
    return {"accountId": config.account, "arn": arn, "userId": config.account, "id": config.account}


def _region(arguments: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    region = arguments.get("region") or arguments.get("name") or config.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": f"ec2.{region}.{_suffix(config)}",
        "description": region,
    }


def _partition(_: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    suffix = _suffix(config)
    return {
        "id": config.partition,
        "partition": config.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def _zones(arguments: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    region = arguments.get("region") or config.region
    letters = "abcdef"[:ZONES]
    excluded = set(arguments.get("excludeNames") or ())
    names = [f"{region}{c}" for c in letters if f"{region}{c}" not in excluded]
    short = "".join(part[0] if part.isalpha() else part for part in region.split("-"))
    return {
        "id": region,
        "region": region,
        "names": names,
        "zoneIds": [f"{short}-az{'abcdef'.index(name[-1]) + 1}" for name in names],
        "groupNames": [region],
        "state": arguments.get("state") or "available",
    }


def _prefix_list(arguments: ARGUMENTS, config: ProviderConfig) -> dict[str, Any]:
    """A managed prefix list. Its id is invented and it has no entries: it only has to be named."""
    name = arguments.get("name") or CLOUDFRONT_ORIGINS
    region = arguments.get("region") or config.region
    identity = arguments.get("id") or f"pl-{sum(name.encode()):08x}"
    return {
        "id": identity,
        "name": name,
        "region": region,
        "arn": f"arn:{config.partition}:ec2:{region}:aws:prefix-list/{identity}",
        "addressFamily": "IPv4",
        "entries": [],
        "maxEntries": 55,  # AWS counts the CloudFront list as 55 rules
        "ownerId": "AWS",
        "tags": {},
        "version": 1,
    }


def _suffix(config: ProviderConfig) -> str:
    return "amazonaws.com.cn" if config.partition == "aws-cn" else "amazonaws.com"


HANDLERS: Mapping[str, Callable[[ARGUMENTS, ProviderConfig], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
    "aws:iam/getPolicyDocument:getPolicyDocument": lambda arguments, _: policy_document.answer(
        arguments
    ),
}
