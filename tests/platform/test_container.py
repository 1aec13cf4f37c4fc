"""What the task is given: every variable and secret of the contract, and no privilege."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy import contract
from infra.configuration import read_settings
from infra.container import (
    WORKER_PROCESS,
    container_definition,
    image_reference,
    service_environment,
)
from infra.naming import Names
from infra.secrets import BOOTSTRAP, service_secret_refs
from infra.settings import Settings

Edit = Callable[[str, dict[str, Any]], dict[str, str]]
RELEASED = {"imageDigest": "sha256:" + "a" * 64, "release": "0123abc"}
ARNS = {
    short: f"arn:aws:secretsmanager:us-east-1:1:secret:budgetbuddy/{short}-AbCdEf"
    for short in BOOTSTRAP
}


def names(settings: Settings) -> Names:
    return Names(
        account_id=settings.account_id,
        region=settings.region,
        environment=settings.environment,
    )


@pytest.fixture
def settings(stack: str, edited: Edit) -> Settings:
    return read_settings(edited(stack, RELEASED), stack)


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return service_environment(settings, names(settings), "no-reply@example.com")


@pytest.fixture
def container(settings: Settings, environment: dict[str, str]) -> dict[str, Any]:
    return container_definition(
        image_reference(settings), environment, ARNS, "/budgetbuddy/api", settings.region
    )


def test_the_worker_is_the_same_image_with_another_command_and_no_port(
    settings: Settings, environment: dict[str, str], container: dict[str, Any]
) -> None:
    image = image_reference(settings)
    given = (environment, ARNS, "/budgetbuddy/worker", settings.region, WORKER_PROCESS)
    worker = container_definition(image, *given)
    options = worker["logConfiguration"]["options"]

    assert worker["command"] == ["python", "-m", "budgetbuddy.worker"]
    assert (worker["portMappings"], "command" in container) == ([], False)
    assert options["awslogs-stream-prefix"] == worker["name"] == "worker"
    different = {"name", "command", "portMappings", "logConfiguration"}
    assert {k: v for k, v in worker.items() if k not in different} == {
        k: v for k, v in container.items() if k not in different
    }


def test_what_is_sold_and_where_its_pages_return_to_is_set_by_the_stack(edited: Edit) -> None:
    sold = {"billing.plusPrice": "price_12345678", "billing.returnOrigins": ["https://a.example"]}
    with_prices = read_settings(edited("staging", {**RELEASED, **sold}), "staging")
    given = service_environment(with_prices, names(with_prices), "a@b.c")

    assert json.loads(given["STRIPE_PRICES"]) == {"plus": "price_12345678"}
    assert given["RETURN_ORIGINS"] == "https://a.example"


def test_pins_are_given_by_the_host_that_is_called(edited: Edit) -> None:
    two = [f"sha256/{letter * 43}=" for letter in "AB"]
    pinned = {"pinning.mode": "enforce", "pinning.plaid": two, "pinning.stripe": two}
    settings = read_settings(edited("staging", {**RELEASED, **pinned}), "staging")
    given = service_environment(settings, names(settings), "a@b.c")

    assert given["PINNING_MODE"] == "enforce"
    hosts = {"sandbox.plaid.com": two, "api.stripe.com": two}
    assert json.loads(given["OUTBOUND_PINS"]) == hosts


def test_every_variable_without_default_is_given_and_none_is_unknown(
    environment: dict[str, str],
) -> None:
    declared = {spec.name for spec in contract.ENVIRONMENT}
    required = {spec.name for spec in contract.ENVIRONMENT if spec.default is None}

    assert required <= environment.keys() <= declared
    assert all(environment.values())


def test_the_embedded_aws_is_named_only_where_there_is_one(edited: Edit) -> None:
    endpoint = "http://127.0.0.1:4566"
    with_endpoint = read_settings(edited("local", {"provider.endpoint": endpoint}), "local")
    without = read_settings(edited("staging", {}), "staging")

    assert service_environment(with_endpoint, names(with_endpoint), "a@b.c")[
        "AWS_ENDPOINT_URL"
    ] == (endpoint)
    assert "AWS_ENDPOINT_URL" not in service_environment(without, names(without), "a@b.c")


def test_the_data_key_is_named_by_its_alias(
    settings: Settings, environment: dict[str, str]
) -> None:
    arn = f"arn:aws:kms:us-east-1:{settings.account_id}:alias/budgetbuddy-tokens"

    assert environment["DATA_KEY_ID"] == arn


def test_clients_call_the_certificates_host_unless_a_laptop_says_otherwise(edited: Edit) -> None:
    production = read_settings(edited("production", {}), "production")
    local = read_settings(edited("local", {"edge.publicUrl": "http://127.0.0.1:9"}), "local")

    assert production.api_url == "https://api.budgetbuddy.com"
    assert local.api_url == "http://127.0.0.1:9"


def test_as_many_proxies_are_trusted_as_stand_before_the_service(edited: Edit) -> None:
    def trusted(stack: str, values: dict[str, Any]) -> str:
        settings = read_settings(edited(stack, values), stack)
        return service_environment(settings, names(settings), "a@b.c")["TRUSTED_PROXY_HOPS"]

    assert trusted("production", {}) == "2"  # CloudFront and the load balancer
    assert trusted("staging", {"edge.cdn": False}) == "1"
    assert trusted("local", {"edge.publicUrl": "http://127.0.0.1:9"}) == "0"


def test_every_secret_is_injected_by_full_arn_and_json_key(container: dict[str, Any]) -> None:
    given = {secret["name"]: secret["valueFrom"] for secret in container["secrets"]}

    assert given == {
        spec.variable: f"{ARNS[spec.secret]}:{spec.json_key}::" for spec in contract.SECRETS
    }


def test_no_secret_is_a_plain_variable(container: dict[str, Any]) -> None:
    plain = {variable["name"] for variable in container["environment"]}

    assert not plain & {spec.variable for spec in contract.SECRETS}


def test_the_container_has_no_privilege(container: dict[str, Any]) -> None:
    assert container["readonlyRootFilesystem"] is True
    assert container["privileged"] is False
    assert container["user"] == "10001:10001"
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"], "add": []}
    assert container["linuxParameters"]["initProcessEnabled"] is True


def test_only_the_temporary_volume_is_writable(container: dict[str, Any]) -> None:
    assert [
        (mount["sourceVolume"], mount["containerPath"]) for mount in container["mountPoints"]
    ] == [
        ("tmp", "/tmp")  # noqa: S108 - the path in the task
    ]


def test_the_image_is_named_by_digest(settings: Settings, container: dict[str, Any]) -> None:
    registry = f"{settings.account_id}.dkr.ecr.us-east-1.amazonaws.com"

    assert container["image"] == f"{registry}/budgetbuddy-backend@{RELEASED['imageDigest']}"


def test_without_a_digest_there_is_no_image(edited: Edit) -> None:
    settings = read_settings(edited("staging", {}), "staging")
    with pytest.raises(ValueError, match="no imageDigest"):
        image_reference(settings)


def test_the_task_outlives_the_service_draining(container: dict[str, Any]) -> None:
    assert container["stopTimeout"] > contract.STOP_SECONDS
    assert contract.ALB_IDLE_SECONDS < contract.KEEP_ALIVE_SECONDS


def test_logs_go_to_the_declared_group_and_never_block(container: dict[str, Any]) -> None:
    options = container["logConfiguration"]["options"]

    assert container["logConfiguration"]["logDriver"] == "awslogs"
    assert options["awslogs-group"] == "/budgetbuddy/api"
    assert options["mode"] == "non-blocking"
    assert "awslogs-create-group" not in options


def test_the_listened_port_is_the_contracts(container: dict[str, Any]) -> None:
    assert [mapping["containerPort"] for mapping in container["portMappings"]] == [contract.PORT]


def test_every_json_key_the_service_reads_has_a_bootstrap_value() -> None:
    for spec in contract.SECRETS:
        value = BOOTSTRAP[spec.secret]()[spec.json_key]
        assert value or not spec.required


def test_bootstrap_values_are_long_random_and_distinct() -> None:
    one, other = BOOTSTRAP["jwt-secret"](), BOOTSTRAP["jwt-secret"]()
    keys = {one["secret"], one["previousSecret"], other["secret"], other["previousSecret"]}

    assert len(keys) == 4
    assert all(len(key) >= 64 for key in keys)
    assert one["kid"] != one["previousKid"]


def test_outputs_name_secrets_but_never_hold_them() -> None:
    reference = service_secret_refs(
        Names(account_id="123456789012", region="us-east-1", environment="staging")
    )

    assert reference["JWT_SECRET"] == {"secret": "budgetbuddy/jwt-secret", "jsonKey": "secret"}
    assert reference.keys() == {spec.variable for spec in contract.SECRETS}
    assert set(json.loads(json.dumps(reference))["LOOKUP_KEY"]) == {"secret", "jsonKey"}
