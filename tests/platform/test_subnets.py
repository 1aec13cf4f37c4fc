"""The address layout leaves no zone out and never overlaps."""

import itertools
from ipaddress import IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from infra.setting_types import SMALLEST_VPC
from infra.settings import ServiceSettings
from infra.subnets import ZONES, subnet_layout

NETWORKS = st.builds(
    lambda second, third, prefix: IPv4Network(
        (int(IPv4Network(f"10.{second}.{third}.0/32").network_address), prefix), strict=False
    ),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(16, 19),
)


@given(NETWORKS)
def test_subnet_layout_is_disjoint_and_inside_the_vpc(cidr: IPv4Network) -> None:
    layout = subnet_layout(cidr)
    every = [*layout.private, *layout.public]

    assert len(layout.private) == len(layout.public) == ZONES
    assert all(subnet.subnet_of(cidr) for subnet in every)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(every, 2))


def test_the_smallest_network_holds_blue_and_green_in_one_zone() -> None:
    most_tasks = ServiceSettings.model_fields["max"].metadata[1].le
    smallest = subnet_layout(IPv4Network(f"10.0.0.0/{SMALLEST_VPC}")).private[0]

    assert 2 * most_tasks < smallest.num_addresses - 5  # AWS keeps five addresses of each subnet


@given(NETWORKS)
def test_every_subnet_is_large_enough_for_a_load_balancer(cidr: IPv4Network) -> None:
    layout = subnet_layout(cidr)

    assert min(subnet.num_addresses for subnet in layout.public) >= 32
    assert min(subnet.num_addresses for subnet in layout.private) >= 512


def test_the_default_network_has_the_documented_layout() -> None:
    layout = subnet_layout(IPv4Network("10.0.0.0/16"))

    assert [str(subnet) for subnet in layout.private] == [
        "10.0.0.0/20",
        "10.0.64.0/20",
        "10.0.128.0/20",
    ]
    assert [str(subnet) for subnet in layout.public] == [
        "10.0.16.0/24",
        "10.0.80.0/24",
        "10.0.144.0/24",
    ]
