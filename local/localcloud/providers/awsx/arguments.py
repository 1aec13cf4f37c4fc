"""Arguments of `awsx:ec2:Vpc` as the engine delivers them, checked and with defaults.

Numbers arrive as floats. Arguments that decide which resources exist must be plain values: one
given as an `Output` arrives as an `Output` and cannot be decided on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

import pulumi

from localcloud.providers.awsx.layout import (
    TYPES,
    Layout,
    LayoutError,
    Spec,
    lay_out,
)

DEFAULT_CIDR = "10.0.0.0/16"
DEFAULT_ZONES = 3
PLAIN = (
    "availabilityZoneCidrMask",
    "availabilityZoneNames",
    "cidrBlock",
    "natGateways",
    "numberOfAvailabilityZones",
    "subnetNameTagStrategy",
    "subnetSpecs",
    "subnetStrategy",
    "vpcEndpointSpecs",
    "vpcEndpointStrategy",
)
# Handed to the VPC as they are.
PASSED = (
    "assignGeneratedIpv6CidrBlock",
    "enableDnsHostnames",
    "enableDnsSupport",
    "enableNetworkAddressUsageMetrics",
    "instanceTenancy",
    "ipv4IpamPoolId",
    "ipv4NetmaskLength",
    "ipv6CidrBlock",
    "ipv6CidrBlockNetworkBorderGroup",
    "ipv6IpamPoolId",
    "ipv6NetmaskLength",
    "region",
)
NAT_STRATEGIES = ("None", "Single", "OnePerAz")


@dataclass(frozen=True, kw_only=True)
class VpcArguments:
    """What to build. `nat` is None, Single or OnePerAz; `endpoints` are specs by wire name."""

    cidr: IPv4Network
    layout: Layout
    specs: tuple[Spec, ...]
    nat: str
    allocation_ids: tuple[Any, ...] = ()
    zone_names_in_tags: bool = False
    tags: Any = None
    endpoints: tuple[Mapping[str, Any], ...] = ()
    passed: Mapping[str, Any] = field(default_factory=dict)


def needs_zones(inputs: Mapping[str, Any]) -> bool:
    """Whether the zones have to be asked for, because no names are given."""
    return not inputs.get("availabilityZoneNames")


def parse(inputs: Mapping[str, Any], available_zones: list[str]) -> VpcArguments:
    """The arguments in `inputs`; `available_zones` is used when none are named.

    Raises `LayoutError` with a text for the program's author.
    """
    values = {key: _whole(value) for key, value in inputs.items() if value is not None}
    _require_plain(values)
    unknown = sorted(values.keys() - {*PLAIN, *PASSED, "tags"})
    if unknown:
        raise LayoutError(f"unknown argument {', '.join(unknown)}")
    _require_supported(values)
    specs = tuple(_spec(raw) for raw in values["subnetSpecs"])
    nat = _nat(values.get("natGateways") or {}, specs)
    zones = _zones(values, available_zones)
    cidr = IPv4Network(values.get("cidrBlock", DEFAULT_CIDR))
    allocations = tuple((values.get("natGateways") or {}).get("elasticIpAllocationIds") or ())
    _require_allocations(allocations, nat, len(zones))
    return VpcArguments(
        cidr=cidr,
        layout=lay_out(cidr, zones, specs, values.get("availabilityZoneCidrMask")),
        specs=specs,
        nat=nat,
        allocation_ids=allocations,
        zone_names_in_tags=values.get("subnetNameTagStrategy") == "AvailabilityZone",
        tags=values.get("tags"),
        endpoints=tuple(values.get("vpcEndpointSpecs") or ()),
        passed={key: values[key] for key in PASSED if key in values},
    )


def _whole(value: Any) -> Any:
    """Whole floats as ints, at every depth: the engine's structs know only floats."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case Mapping():
            return {key: _whole(item) for key, item in value.items()}
        case list():
            return [_whole(item) for item in value]
        case _:
            return value


def _require_plain(values: Mapping[str, Any]) -> None:
    for key in PLAIN:
        if isinstance(values.get(key), pulumi.Output):
            raise LayoutError(
                f"{key} must be a plain value: it decides which resources exist, and an Output is "
                "known only later"
            )


def _require_supported(values: Mapping[str, Any]) -> None:
    if values.get("numberOfAvailabilityZones") and values.get("availabilityZoneNames"):
        raise LayoutError(
            "give either availabilityZoneNames or numberOfAvailabilityZones, not both"
        )
    strategy = values.get("subnetStrategy", "Legacy")
    if strategy not in ("Auto", "Exact") or not values.get("subnetSpecs"):
        raise LayoutError(
            f"the stand-in lays out subnetStrategy Auto (or Exact with cidrBlocks) with explicit "
            f"subnetSpecs; this VPC has {strategy} and {len(values.get('subnetSpecs') or ())} specs"
        )
    if strategy == "Exact" and not all(spec.get("cidrBlocks") for spec in values["subnetSpecs"]):
        raise LayoutError("the stand-in lays out subnetStrategy Exact only with cidrBlocks")
    if values.get("vpcEndpointStrategy", "Legacy") != "Legacy":
        raise LayoutError("the stand-in knows vpcEndpointStrategy Legacy only")


def _spec(raw: Mapping[str, Any]) -> Spec:
    kind = raw["type"]
    if kind not in TYPES:
        raise LayoutError(f"subnet type {kind!r} is none of {', '.join(TYPES)}")
    name = raw.get("name") or str(kind).lower()
    return Spec(
        type=kind,
        name=name,
        mask=_mask(name, raw.get("cidrMask"), raw.get("size")),
        blocks=tuple(raw.get("cidrBlocks") or ()),
        tags=raw.get("tags"),
        ipv6=raw.get("assignIpv6AddressOnCreation"),
    )


def _mask(name: str, mask: int | None, size: int | None) -> int | None:
    """The mask of a spec: its own, or that of its number of addresses."""
    if size is None:
        return mask
    if size < 1 or size & (size - 1):
        raise LayoutError(f"size of subnet {name} is {size}, must be a power of 2")
    of_size = 33 - size.bit_length()
    if mask not in (None, of_size):
        raise LayoutError(f"subnet {name} has size {size} (/{of_size}) and cidrMask {mask}")
    return of_size


def _nat(raw: Mapping[str, Any], specs: tuple[Spec, ...]) -> str:
    """The NAT strategy; by default one gateway per zone when there is someone to use it."""
    types = {spec.type for spec in specs}
    default = "OnePerAz" if types >= {"Public", "Private"} else "None"
    strategy = str(raw.get("strategy", default))
    if strategy not in NAT_STRATEGIES:
        raise LayoutError(f"NAT strategy {strategy!r} is none of {', '.join(NAT_STRATEGIES)}")
    if strategy != "None" and "Public" not in types:
        raise LayoutError(f"NAT strategy {strategy} needs a subnet spec of type Public")
    return strategy


def _require_allocations(allocations: tuple[Any, ...], nat: str, zones: int) -> None:
    wanted = {"None": 0, "Single": 1, "OnePerAz": zones}[nat]
    if allocations and len(allocations) != wanted:
        raise LayoutError(
            f"{len(allocations)} elasticIpAllocationIds for {wanted} NAT gateways ({nat})"
        )


def _zones(values: Mapping[str, Any], available: list[str]) -> list[str]:
    named: list[str] = values.get("availabilityZoneNames") or []
    if named:
        return named
    count = int(values.get("numberOfAvailabilityZones", DEFAULT_ZONES))
    if len(available) < count:
        raise LayoutError(f"{count} availability zones are wanted, {len(available)} are available")
    return available[:count]
