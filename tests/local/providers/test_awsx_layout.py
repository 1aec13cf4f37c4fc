"""Address blocks of `awsx:ec2:Vpc` with the Auto strategy, as maths."""

from ipaddress import IPv4Network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.providers.awsx.arguments import parse
from localcloud.providers.awsx.layout import LayoutError, Spec, lay_out

ZONES = ["us-east-1a", "us-east-1b", "us-east-1c"]


def spec(kind: str, mask: int | None = None) -> Spec:
    return Spec(type=kind, name=kind.lower(), mask=mask)


def blocks(vpc: str, *specs: Spec, zones: int = 3) -> list[str]:
    layout = lay_out(IPv4Network(vpc), ZONES[:zones], specs)
    return [str(subnet.cidr) for subnet in layout.subnets]


def test_blocks_follow_the_order_of_specs_and_align_to_their_own_size() -> None:
    found = blocks("10.20.0.0/16", spec("Public", 20), spec("Private", 19))

    assert found == [
        "10.20.0.0/20",
        "10.20.32.0/19",
        "10.20.64.0/20",
        "10.20.96.0/19",
        "10.20.128.0/20",
        "10.20.160.0/19",
    ]


def test_large_private_blocks_leave_the_rest_of_the_zone_free() -> None:
    found = blocks("10.0.0.0/16", spec("Private", 20), spec("Public", 24))

    assert found == [
        "10.0.0.0/20",
        "10.0.16.0/24",
        "10.0.64.0/20",
        "10.0.80.0/24",
        "10.0.128.0/20",
        "10.0.144.0/24",
    ]


def test_a_spec_without_a_mask_shares_its_zone_evenly() -> None:
    found = blocks("10.0.0.0/16", spec("Private"), spec("Public"), zones=2)

    assert found == ["10.0.0.0/18", "10.0.64.0/18", "10.0.128.0/18", "10.0.192.0/18"]


@given(
    prefix=st.integers(16, 20),
    zones=st.integers(1, 3),
    masks=st.lists(st.one_of(st.none(), st.integers(20, 28)), min_size=1, max_size=4),
)
def test_blocks_never_overlap_and_stay_inside_their_zone(
    prefix: int, zones: int, masks: list[int | None]
) -> None:
    vpc = IPv4Network(f"10.64.0.0/{prefix}")
    specs = [Spec(type="Private", name=f"s{i}", mask=mask) for i, mask in enumerate(masks)]
    try:
        layout = lay_out(vpc, ZONES[:zones], specs)
    except LayoutError:
        return

    ordered = sorted((s.cidr for s in layout.subnets), key=lambda cidr: cidr.network_address)
    assert all(not left.overlaps(right) for left, right in pairwise(ordered))
    zone_blocks = list(vpc.subnets(new_prefix=prefix + (zones - 1).bit_length()))
    assert all(s.cidr.subnet_of(zone_blocks[s.number - 1]) for s in layout.subnets)
    assert [s.cidr.prefixlen for s in layout.subnets] == list(layout.masks) * zones


@given(masks=st.lists(st.integers(20, 28), min_size=1, max_size=4))
def test_four_blocks_of_a_quarter_zone_or_less_always_fit_when_the_largest_come_first(
    masks: list[int],
) -> None:
    ordered = sorted(masks)
    specs = [Spec(type="Private", name=f"s{i}", mask=mask) for i, mask in enumerate(ordered)]

    layout = lay_out(IPv4Network("10.0.0.0/16"), ZONES, specs)

    assert len(layout.subnets) == len(masks) * len(ZONES)


PUBLIC = {"type": "Public", "cidrMask": 24.0}
PRIVATE = {"type": "Private", "cidrMask": 20.0}
VALID = {
    "cidrBlock": "10.0.0.0/16",
    "availabilityZoneNames": ZONES,
    "subnetStrategy": "Auto",
    "subnetSpecs": [PRIVATE, PUBLIC],
}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param({"numberOfAvailabilityZones": 2.0}, "not both", id="both zone arguments"),
        pytest.param(
            {"subnetSpecs": [PRIVATE], "natGateways": {"strategy": "OnePerAz"}},
            "needs a subnet spec of type Public",
            id="NAT without a public subnet",
        ),
        pytest.param(
            {
                "subnetSpecs": [
                    {
                        "type": "Public",
                        "cidrBlocks": ["10.0.0.0/20", "10.0.16.0/20", "10.0.32.0/20"],
                    },
                    {
                        "type": "Private",
                        "cidrBlocks": ["10.0.8.0/21", "10.0.64.0/20", "10.0.80.0/20"],
                    },
                ]
            },
            "overlap",
            id="overlapping blocks",
        ),
        pytest.param(
            {"availabilityZoneNames": None, "numberOfAvailabilityZones": 4.0},
            "4 availability zones are wanted, 3 are available",
            id="too few zones",
        ),
        pytest.param({"cidrBlock": "10.0.0.0/26"}, "does not fit", id="too small a VPC"),
        pytest.param(
            {"subnetSpecs": [{"type": "Private", "size": 1000.0}]}, "power of 2", id="odd size"
        ),
        pytest.param({"subnetStrategy": "Legacy"}, "subnetStrategy Auto", id="legacy layout"),
        pytest.param({"vpcEndpointStrategy": "Auto"}, "Legacy only", id="endpoint strategy"),
        pytest.param({"cidr": "10.0.0.0/16"}, "unknown argument cidr", id="unknown argument"),
        pytest.param({"subnetSpecs": [{"type": "Secret"}]}, "none of Public", id="unknown type"),
        pytest.param(
            {"natGateways": {"strategy": "Single", "elasticIpAllocationIds": ["a", "b"]}},
            "2 elasticIpAllocationIds for 1",
            id="wrong number of addresses",
        ),
    ],
)
def test_a_wrong_vpc_is_refused_with_a_reason(changed: dict[str, object], message: str) -> None:
    with pytest.raises(LayoutError, match=message):
        parse(VALID | changed, ZONES)


def test_gateways_are_made_only_when_somebody_can_use_them() -> None:
    assert parse(VALID, ZONES).nat == "OnePerAz"
    assert parse(VALID | {"subnetSpecs": [PUBLIC]}, ZONES).nat == "None"


def test_a_number_of_addresses_is_a_mask() -> None:
    found = parse(VALID | {"subnetSpecs": [{"type": "Private", "size": 4096.0}]}, ZONES)

    assert found.layout.masks == (20,)
