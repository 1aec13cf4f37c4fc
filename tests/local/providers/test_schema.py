"""What is known about the types our programs use: from the SDK, and from the data files."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from localcloud.providers.aws import facts, kinds, outputs, recorded, schema
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.values import UNKNOWN
from localcloud.providers.errors import ProviderError

ROOT = Path(__file__).parents[3]
PROGRAMS = (ROOT / "platform", ROOT / "pipelines")
USED = re.compile(r"\baws\.([a-z0-9_]+)\.([A-Z][A-Za-z0-9]+)\(")
ARN = re.compile(r"arn:aws:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+")


def used_types() -> list[str]:
    by_class = {where: token for token, where in schema.tokens().items()}
    named = {
        (match[1], match[2])
        for program in PROGRAMS
        for file in program.rglob("*.py")
        for match in USED.finditer(file.read_text())
    }
    return sorted(by_class[one] for one in named if one in by_class)


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in files(facts).iterdir():
        if file.name.endswith(".json"):
            yield from json.loads(file.read_text()).items()


ENTRIES = dict(entries())
AWSX_CHILDREN = [
    f"aws:ec2/{name[0].lower()}{name[1:]}:{name}"
    for name in (
        "Eip",
        "InternetGateway",
        "NatGateway",
        "Route",
        "RouteTable",
        "RouteTableAssociation",
        "Subnet",
        "Vpc",
    )
]


def sample(property_: schema.Property) -> Any:
    """Some value of a property's type."""
    shape = property_.shape
    match shape.kind:
        case "string" | "any":
            return "sample"
        case "bool":
            return True
        case "number":
            return 1
        case "array":
            return []
        case "map":
            return {}
        case _:
            fields = {} if shape.text else shape.fields()
            return {key: sample(one) for key, one in fields.items() if not one.optional}


def required(token: str) -> dict[str, Any]:
    inputs = schema.resource(token).inputs
    return {key: sample(one) for key, one in inputs.items() if not one.optional}


def test_the_sweep_finds_what_the_platform_uses() -> None:
    assert {"aws:dynamodb/table:Table", "aws:ecs/service:Service"} <= set(used_types())


RECORDED = sorted({*used_types(), *AWSX_CHILDREN} - kinds.created_types())


@pytest.mark.parametrize("token", RECORDED)
def test_a_recorded_type_has_all_its_outputs(token: str) -> None:
    inputs = required(token)

    identity, made = recorded.made(token, "sample", inputs, ProviderConfig())

    known = schema.resource(token).outputs
    missing = [k for k, one in known.items() if not one.optional and k not in made]
    assert identity
    assert missing == []
    assert UNKNOWN not in made.values()
    assert "arn" in inputs or ARN.match(made.get("arn", "arn:aws:none:::none"))


@pytest.mark.parametrize("token", RECORDED)
def test_a_preview_promises_just_what_the_deployment_keeps(token: str) -> None:
    inputs = required(token)

    promised = outputs.previewed(token, inputs)
    _, made = recorded.made(token, "sample", inputs, ProviderConfig())

    assert set(promised) == set(made)
    assert {k: promised[k] for k in inputs} == {k: made[k] for k in inputs}


@pytest.mark.parametrize("token", sorted({*used_types(), *AWSX_CHILDREN, *kinds.created_types()}))
def test_a_type_we_use_has_facts(token: str) -> None:
    assert token in ENTRIES


@pytest.mark.parametrize("token", sorted(ENTRIES))
def test_a_fact_speaks_of_properties_that_exist_and_names_its_source(token: str) -> None:
    entry, known = ENTRIES[token], schema.resource(token)

    assert entry["source"]
    assert set(entry.get("replace", ())) <= set(known.inputs)
    assert set(entry.get("defaults", ())) <= set(known.inputs)
    assert set(entry.get("outputs", ())) <= set(known.outputs)
    assert set(entry.get("nested", ())) <= set(known.outputs)
    assert set(entry) <= {
        "source",
        "replace",
        "defaults",
        "autoname",
        "id",
        "outputs",
        "nested",
        "delete_first",
    }


def test_a_default_has_the_type_of_its_property() -> None:
    wrong = [
        (token, key)
        for token, entry in ENTRIES.items()
        for key, value in entry.get("defaults", {}).items()
        if outputs.coerced(schema.resource(token).inputs[key].shape, value) != value
    ]

    assert wrong == []


def test_the_documentation_tells_of_replacement_where_no_fact_does() -> None:
    token = "aws:glue/connection:Connection"

    assert token not in ENTRIES
    assert facts.of(token).replace >= {"region"}


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(ProviderError, match="aws:none/such:Such is not a resource type"):
        schema.resource("aws:none/such:Such")


@pytest.mark.parametrize(
    ("token", "key"),
    [
        ("aws:iam/policy:Policy", "policy"),
        ("aws:dynamodb/table:Table", "attributes"),
        ("aws:lb/listener:Listener", "defaultActions"),
        ("aws:lambda/function:Function", "code"),
    ],
)
def test_types_are_read_from_the_sdk(token: str, key: str) -> None:
    assert schema.resource(token).inputs[key].shape.kind in ("object", "array", "any")


def test_a_certificate_has_one_record_per_name() -> None:
    inputs = {"domainName": "a.example.com", "subjectAlternativeNames": ["b.example.com"]}

    identity, made = recorded.made("aws:acm/certificate:Certificate", "c", inputs, ProviderConfig())

    options = made["domainValidationOptions"]
    assert identity == made["arn"]
    assert [one["domainName"] for one in options] == ["a.example.com", "b.example.com"]
    assert all(one["resourceRecordValue"].endswith(".acm-validations.aws.") for one in options)


def test_a_load_balancer_and_what_hangs_on_it_share_their_path() -> None:
    config = ProviderConfig()
    balancer, made = recorded.made(
        "aws:lb/loadBalancer:LoadBalancer", "alb", {"name": "sample"}, config
    )
    listener, _ = recorded.made(
        "aws:lb/listener:Listener",
        "https",
        {"loadBalancerArn": balancer, "defaultActions": []},
        config,
    )

    suffix = made["arnSuffix"]
    assert balancer.endswith(f":loadbalancer/{suffix}")
    assert suffix.startswith("app/sample/")
    assert f":listener/{suffix}/" in listener
    assert made["dnsName"].endswith(".us-east-1.elb.amazonaws.com")


def test_a_new_task_definition_is_a_revision_of_its_family() -> None:
    inputs = {"family": "api", "containerDefinitions": "[]"}

    identity, made = recorded.made(
        "aws:ecs/taskDefinition:TaskDefinition", "api", inputs, ProviderConfig()
    )

    assert identity == "api"
    assert made["arn"] == f"{made['arnWithoutRevision']}:{made['revision']}"


def test_a_mail_domain_promises_its_three_tokens() -> None:
    token = "aws:sesv2/emailIdentity:EmailIdentity"
    inputs = {
        "emailIdentity": "example.com",
        "dkimSigningAttributes": {"nextSigningKeyLength": "x"},
    }

    promised = outputs.previewed(token, inputs)["dkimSigningAttributes"]
    _, made = recorded.made(token, "mail", inputs, ProviderConfig())

    assert promised["tokens"] == UNKNOWN
    assert len(made["dkimSigningAttributes"]["tokens"]) == 3
    assert made["dkimSigningAttributes"]["nextSigningKeyLength"] == "x"
