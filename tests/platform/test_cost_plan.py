"""The estimate of the stacks as they are."""

from typing import Any

import pytest

from delivery.cost import Estimate, difference, estimate

pytestmark = pytest.mark.engine


def priced(plan: Any) -> Estimate:
    return estimate(
        [{"type": each.type, "urn": each.urn, "inputs": each.inputs} for each in plan.resources]
    )


def test_every_type_of_a_stack_is_in_the_table(plan: Any) -> None:
    assert priced(plan).unknown == {}


def test_production_pays_for_three_zones_and_staging_for_one(plans: Any) -> None:
    production, staging = priced(plans("production")), priced(plans("staging"))
    saved = {each.price.name: each for each in difference(production, staging).changes}

    assert saved["nat-gateway-hour"].before == 3 * saved["nat-gateway-hour"].after == 3 * 730
    assert saved["interface-endpoint-hour"].before == 6 * 2 * 730
    assert saved["interface-endpoint-hour"].after == 6 * 1 * 730
    assert staging.usd < production.usd


def test_a_release_of_twice_the_size_costs_twice_as_much_for_its_tasks(plans: Any) -> None:
    lines = {line.price.name: line for line in priced(plans("production")).lines}

    # Two tasks of the API with half a vCPU, one of the worker with a quarter.
    assert lines["fargate-arm-vcpu-hour"].quantity == (2 * 0.5 + 1 * 0.25) * 730
