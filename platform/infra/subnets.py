"""How a VPC's address space is divided, as a pure function.

`awsx.ec2.Vpc` computes the same layout from the masks; a test on the engine compares the two.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network

ZONES = 3
ZONE_BITS = 2  # three zones need two bits; the fourth quarter stays free
PRIVATE_BITS = 4  # bits below the VPC's prefix
PUBLIC_BITS = 8


@dataclass(frozen=True, kw_only=True)
class SubnetLayout:
    """One private and one public subnet per zone, in the order of the zones."""

    private: tuple[IPv4Network, ...]
    public: tuple[IPv4Network, ...]


def subnet_layout(cidr: IPv4Network) -> SubnetLayout:
    """Each zone gets a quarter: its first quarter is private, the next sixteenth of it public."""
    quarters = list(cidr.subnets(prefixlen_diff=ZONE_BITS))[:ZONES]
    private = tuple(_first(zone, cidr.prefixlen + PRIVATE_BITS) for zone in quarters)
    public = tuple(
        IPv4Network((int(network.broadcast_address) + 1, cidr.prefixlen + PUBLIC_BITS))
        for network in private
    )
    return SubnetLayout(private=private, public=public)


def _first(network: IPv4Network, prefix: int) -> IPv4Network:
    return IPv4Network((network.network_address, prefix))
