"""What a stack costs: by arithmetic on what was asked for, and honest about the rest."""

from typing import Any

import pytest

from delivery.cost import Estimate, difference, estimate
from delivery.cost.quantities import QUANTITIES
from delivery.cost.report import difference_text, estimate_text
from delivery.cost.table import price_table

TABLE = price_table()
HOURS = 730


def resource(kind: str, name: str = "x", **inputs: Any) -> dict[str, Any]:
    return {"type": kind, "urn": f"urn:pulumi:s::p::{kind}::{name}", "inputs": inputs}


def service(name: str, count: int, *strategies: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        resource(
            "aws:ecs/service:Service",
            name,
            desiredCount=count,
            capacityProviderStrategies=list(strategies),
        ),
        resource("aws:ecs/taskDefinition:TaskDefinition", name, cpu="512", memory="1024"),
        resource("aws:ecs/taskDefinition:TaskDefinition", "other", cpu="4096", memory="8192"),
    ]


def asked(found: Estimate) -> dict[str, float]:
    """Quantity of each price that does not rest on assumed use."""
    return {line.price.name: line.quantity for line in found.lines if not line.assumed}


# --- Quantities ----------------------------------------------------------------------------------


def test_tasks_off_spot_cost_what_their_size_says() -> None:
    found = estimate(service("api", 2, {"capacityProvider": "FARGATE", "base": 2, "weight": 1}))

    assert asked(found) == {
        "fargate-arm-vcpu-hour": 2 * 0.5 * HOURS,
        "fargate-arm-gigabyte-hour": 2 * 1 * HOURS,
    }
    assert found.usd == pytest.approx(2 * HOURS * (0.5 * 0.03238 + 0.00356))


def test_beyond_the_base_tasks_are_spread_by_weight() -> None:
    found = estimate(
        service(
            "api",
            6,
            {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 4},
        )
    )

    assert asked(found)["fargate-spot-arm-gigabyte-hour"] == 4 * HOURS
    assert asked(found)["fargate-arm-gigabyte-hour"] == 2 * HOURS


@pytest.mark.parametrize(
    ("resources", "name", "quantity"),
    [
        ([resource("aws:ec2/natGateway:NatGateway")] * 3, "nat-gateway-hour", 3 * HOURS),
        (
            [
                resource(
                    "aws:ec2/vpcEndpoint:VpcEndpoint",
                    vpcEndpointType="Interface",
                    subnetIds=["unknown", "unknown"],
                ),
                resource("aws:ec2/vpcEndpoint:VpcEndpoint", vpcEndpointType="Gateway"),
            ],
            "interface-endpoint-hour",
            2 * HOURS,
        ),
        (
            [
                resource("aws:lb/loadBalancer:LoadBalancer", internal=False),
                *[resource("aws:ec2/subnet:Subnet", mapPublicIpOnLaunch=True)] * 3,
                *[resource("aws:ec2/subnet:Subnet", mapPublicIpOnLaunch=False)] * 3,
            ],
            "public-address-hour",
            3 * HOURS,
        ),
        ([resource("aws:wafv2/webAcl:WebAcl", rules=[{}] * 7)], "firewall-rule", 7),
        (
            [
                resource("aws:cloudwatch/metricAlarm:MetricAlarm", metricName="n"),
                resource(
                    "aws:cloudwatch/metricAlarm:MetricAlarm",
                    metricQueries=[{"metric": {}}, {"metric": {}}, {"expression": "a/b"}],
                ),
            ],
            "alarm-metric",
            3,
        ),
        (
            [
                resource(
                    "aws:route53/healthCheck:HealthCheck",
                    type="HTTPS_STR_MATCH",
                    searchString="ready",
                    requestInterval=30,
                )
            ],
            "health-check-feature",
            2,
        ),
    ],
)
def test_what_was_asked_for_is_counted(
    resources: list[dict[str, Any]], name: str, quantity: float
) -> None:
    assert asked(estimate(resources))[name] == quantity


@pytest.mark.parametrize(
    ("mode", "name"),
    [("DAILY", "configuration-item-daily"), ("CONTINUOUS", "configuration-item")],
)
def test_a_recorder_is_charged_by_how_often_it_records(mode: str, name: str) -> None:
    recorder = resource("aws:cfg/recorder:Recorder", recordingMode={"recordingFrequency": mode})

    assert [line.price.name for line in estimate([recorder]).lines] == [name]


def test_assumed_use_of_the_stack_is_counted_once_and_said_to_be_assumed() -> None:
    found = estimate([resource("aws:kms/key:Key", str(number)) for number in range(9)])

    lines = {line.price.name: line for line in found.lines}
    assert lines["key"].usd == 9
    assert lines["key-ten-thousand-requests"].quantity == TABLE.usage["key-ten-thousands"]
    assert lines["key-ten-thousand-requests"].assumed
    assert found.assumed_usd == lines["key-ten-thousand-requests"].usd


def test_what_the_table_does_not_know_is_said_and_never_free() -> None:
    found = estimate(
        [
            resource("aws:redshift/cluster:Cluster"),
            resource("aws:lambda/function:Function"),
            resource("budgetbuddy:data:Tables"),
        ]
    )

    assert found.unknown == {"aws:redshift/cluster:Cluster": 1}
    assert found.unpriced.keys() == {"aws:lambda/function:Function"}
    assert "NOT KNOWN" in estimate_text(found, stack="x")


# --- Difference ----------------------------------------------------------------------------------


def test_a_difference_names_what_changed_and_by_how_much() -> None:
    gateways = [resource("aws:ec2/natGateway:NatGateway", str(place)) for place in range(3)]
    secret = resource("aws:secretsmanager/secret:Secret")
    found = difference(estimate([*gateways, secret]), estimate(gateways[:1]))

    assert found.usd == pytest.approx(-2 * HOURS * 0.045 - 0.4)
    assert [each.price.name for each in found.changes] == ["nat-gateway-hour", "secret"]
    assert found.summary() == (
        "about USD 34 a month (-66.10: nat-gateway-hour -65.70, secret -0.40)"
    )
    assert "-66.10 a month (from 99.85 to 33.75)" in difference_text(found, since="abc")


def test_two_equal_stacks_cost_the_same() -> None:
    stack = estimate([resource("aws:secretsmanager/secret:Secret")])

    assert difference(stack, stack).summary() == "about USD 0 a month, as before"


# --- Table ---------------------------------------------------------------------------------------


def test_every_price_has_a_source_and_a_use() -> None:
    charged = {
        charge.price.name: charge.price for all_ in TABLE.charges.values() for charge in all_
    }

    assert all(price.usd > 0 and "/pricing" in price.source for price in charged.values())
    assert TABLE.checked >= "2026-11-24"


def test_every_quantity_is_one_there_is() -> None:
    named = {name for all_ in TABLE.charges.values() for each in all_ for name in each.times}

    assert named == {*TABLE.usage, *QUANTITIES}


@pytest.mark.engine
def test_every_type_of_the_pipeline_is_in_the_table(plan: Any) -> None:
    states = [
        {"type": each.type, "urn": each.urn, "inputs": each.inputs} for each in plan.resources
    ]

    assert estimate(states).unknown == {}
