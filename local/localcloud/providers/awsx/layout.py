"""Which address block each subnet gets: the strategies `Auto` and explicit blocks, as pure maths.

Auto gives every zone an equal block and lays the specs into it in their order, each at the next
boundary that is aligned to its own size; the gaps this leaves stay free.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import pairwise
from typing import Any

UNUSED = "Unused"
TYPES = ("Public", "Private", "Isolated", UNUSED)
SMALLEST_MASK = 28  # AWS: a subnet is between /16 and /28
ADDRESS_BITS = 32


class LayoutError(ValueError):
    """The specs do not fit the VPC; the text is for the program's author."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One kind of subnet in every zone. Without `mask` or `blocks` it shares its zone evenly."""

    type: str
    name: str
    mask: int | None = None
    blocks: tuple[str, ...] = ()
    tags: Any = None
    ipv6: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """One subnet to make: its spec, its 1-based zone number and zone name, its address block."""

    spec: Spec
    number: int
    zone: str
    cidr: IPv4Network


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All subnets, zone by zone, and the mask each spec ended up with."""

    subnets: tuple[Subnet, ...]
    masks: tuple[int, ...] = field(default=())


def lay_out(
    vpc: IPv4Network, zones: Sequence[str], specs: Sequence[Spec], zone_mask: int | None = None
) -> Layout:
    """Blocks for `specs` in every zone. Raises `LayoutError` when they overlap or do not fit."""
    explicit = [spec for spec in specs if spec.blocks]
    if explicit and len(explicit) != len(specs):
        raise LayoutError("cidrBlocks must be given for all subnet specs or for none")
    if explicit:
        subnets = tuple(_explicit(zones, specs))
        masks = tuple(IPv4Network(spec.blocks[0]).prefixlen for spec in specs)
    else:
        mask = zone_mask or vpc.prefixlen + _bits(len(zones))
        masks = tuple(spec.mask or mask + _bits(len(specs)) for spec in specs)
        subnets = tuple(_auto(vpc, zones, specs, masks, mask))
    _require_fit(vpc, subnets)
    return Layout(subnets=subnets, masks=masks)


def _bits(parts: int) -> int:
    """Address bits that tell `parts` blocks apart: the ceiling of log2."""
    return (parts - 1).bit_length()


def _auto(
    vpc: IPv4Network, zones: Sequence[str], specs: Sequence[Spec], masks: Sequence[int], mask: int
) -> Iterator[Subnet]:
    if not vpc.prefixlen <= mask <= ADDRESS_BITS:
        raise LayoutError(f"a zone block of /{mask} does not fit the VPC {vpc}")
    for index, zone in enumerate(zones):
        start = int(vpc.network_address) + (index << (ADDRESS_BITS - mask))
        end = start + (1 << (ADDRESS_BITS - mask))
        for spec, own in zip(specs, masks, strict=True):
            if own > SMALLEST_MASK:
                raise LayoutError(
                    f"subnet {spec.name} would be a /{own}; the smallest AWS allows is "
                    f"/{SMALLEST_MASK}: give the VPC {vpc} a larger block"
                )
            size = 1 << (ADDRESS_BITS - own)
            start = -(-start // size) * size
            if start + size > end:
                raise LayoutError(
                    f"subnet {spec.name} (/{own}) does not fit zone {zone}, "
                    f"which has a /{mask} of the VPC {vpc}"
                )
            yield Subnet(spec=spec, number=index + 1, zone=zone, cidr=IPv4Network((start, own)))
            start += size


def _explicit(zones: Sequence[str], specs: Sequence[Spec]) -> Iterator[Subnet]:
    for spec in specs:
        if len(spec.blocks) != len(zones):
            raise LayoutError(
                f"subnet {spec.name} has {len(spec.blocks)} cidrBlocks for {len(zones)} zones"
            )
    for index, zone in enumerate(zones):
        for spec in specs:
            cidr = IPv4Network(spec.blocks[index])
            yield Subnet(spec=spec, number=index + 1, zone=zone, cidr=cidr)


def _require_fit(vpc: IPv4Network, subnets: Sequence[Subnet]) -> None:
    """All blocks lie inside the VPC and none overlaps another."""
    for subnet in subnets:
        if not subnet.cidr.subnet_of(vpc):
            raise LayoutError(f"subnet {subnet.cidr} lies outside the VPC {vpc}")
    ordered = sorted((subnet.cidr for subnet in subnets), key=lambda cidr: cidr.network_address)
    for left, right in pairwise(ordered):
        if left.overlaps(right):
            raise LayoutError(f"subnets {left} and {right} overlap")
