"""The stand-ins under the real engine, with a whole program and a real embedded AWS."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.emulator.process import Emulator
from localcloud.engine.environment import Backend, engine_environment, pulumi

sys.path.insert(0, str(Path(__file__).parent))
from fault import faulty  # type: ignore[import-not-found] # beside this file

HERE = Path(__file__).parent
SECRET = "correct horse battery staple"
SECONDS = 120

pytestmark = [pytest.mark.engine, pytest.mark.emulator]


@dataclass
class Stack:
    """The sample program in a directory, state and home of its own."""

    directory: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [pulumi(), "-C", str(self.directory), "--non-interactive", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def must(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def configure(self, **values: str) -> None:
        file = self.directory / "Pulumi.test.yaml"
        settings = yaml.safe_load(file.read_text()) or {}
        settings.setdefault("config", {}).update({f"sample:{k}": v for k, v in values.items()})
        file.write_text(yaml.safe_dump(settings))

    def state(self) -> list[dict[str, Any]]:
        deployment = json.loads(self.must("stack", "export"))["deployment"]
        return list(deployment.get("resources", []))

    def outputs(self) -> dict[str, Any]:
        return dict(json.loads(self.must("stack", "output", "--json")))

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = [one for one in self.state() if one["type"] == kind]
        return found


@pytest.fixture
def make_stack(tmp_path: Path) -> Callable[..., Stack]:
    def make(**config: str) -> Stack:
        directory = tmp_path / "program"
        directory.mkdir()
        shutil.copy(HERE / "program.py", directory / "__main__.py")
        project = {
            "name": "sample",
            "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
        }
        (directory / "Pulumi.yaml").write_text(yaml.safe_dump(project))
        backend = Backend(directory=tmp_path / "state", passphrase_file=tmp_path / "passphrase")
        backend.prepare()
        environment = engine_environment(backend, stand_ins=True)
        environment |= {
            "LOCALCLOUD_PROVIDER_LOG": str(tmp_path / "providers.log"),
            # A throw-away stack needs no state after every step; that takes most of an `up`.
            "PULUMI_EXPERIMENTAL": "1",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }
        stack = Stack(directory, environment)
        stack.must("stack", "init", "test")
        stack.configure(**config)
        return stack

    return make


@pytest.fixture
def deployed(make_stack: Callable[..., Stack], emulator: Emulator) -> Iterator[Stack]:
    stack = make_stack(endpoint=emulator.endpoint)
    stack.must("up", "--yes", "--skip-preview")
    yield stack
    stack.must("destroy", "--yes", "--skip-preview")


def test_a_preview_needs_neither_network_nor_emulator(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()

    shown = stack.must("preview", "--json")

    kinds = [step["newState"]["type"] for step in json.loads(shown)["steps"]]
    assert kinds.count("aws:ec2/subnet:Subnet") == 6
    assert kinds.count("aws:ec2/natGateway:NatGateway") == 3
    assert len([k for k in kinds if k.startswith("aws:ec2/")]) == 32


def test_a_deployment_is_repeatable_survives_drift_and_leaves_nothing(
    make_stack: Callable[..., Stack], emulator: Emulator, cloud: Any
) -> None:
    stack = make_stack(endpoint=emulator.endpoint)

    assert "5 to create" not in stack.must("preview")
    stack.must("up", "--yes")
    made = stack.outputs()
    stack.must("up", "--yes", "--expect-no-changes")
    stack.must("refresh", "--yes", "--expect-no-changes")

    dynamodb, kms = cloud.client("dynamodb"), cloud.client("kms")
    assert dynamodb.describe_table(TableName=made["table"])["Table"]["TableStatus"] == "ACTIVE"
    value = cloud.client("secretsmanager").get_secret_value(SecretId=made["secret"])
    assert value["SecretString"] == SECRET

    dynamodb.delete_table(TableName=made["table"])
    kms.disable_key_rotation(KeyId=made["key"])
    stack.must("refresh", "--yes", "--skip-preview")
    types = [one["type"] for one in stack.state()]
    assert "aws:dynamodb/table:Table" not in types
    assert stack.one("aws:kms/key:Key")["outputs"]["enableKeyRotation"] is False
    assert stack.run("preview", "--expect-no-changes").returncode != 0

    stack.must("up", "--yes", "--skip-preview")
    again = stack.outputs()
    assert again["key"] == made["key"]
    assert kms.get_key_rotation_status(KeyId=made["key"])["KeyRotationEnabled"]
    assert dynamodb.describe_table(TableName=again["table"])["Table"]["TableStatus"] == "ACTIVE"
    stack.must("up", "--yes", "--expect-no-changes")

    stack.must("destroy", "--yes", "--skip-preview")
    assert again["table"] not in dynamodb.list_tables()["TableNames"]
    assert kms.describe_key(KeyId=made["key"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert cloud.client("secretsmanager").list_secrets()["SecretList"] == []
    assert stack.state() == []


def test_a_tag_updates_and_a_key_replaces(deployed: Stack) -> None:
    before = deployed.outputs()["table"]

    deployed.configure(dataClass="internal")
    deployed.must("up", "--yes", "--skip-preview")
    tagged = deployed.one("aws:dynamodb/table:Table")
    deployed.configure(rangeKey="sk")
    shown = deployed.must("preview", "--diff")
    deployed.must("up", "--yes", "--skip-preview")
    replaced = deployed.one("aws:dynamodb/table:Table")

    assert tagged["id"] == before
    assert tagged["outputs"]["tagsAll"] == {"project": "sample", "data-class": "internal"}
    assert "replace" in shown
    assert replaced["id"] != before
    assert replaced["outputs"]["rangeKey"] == "sk"


def test_a_secret_never_lies_in_the_state_in_plain(deployed: Stack) -> None:
    assert SECRET not in deployed.must("stack", "export")
    assert SECRET in deployed.must("stack", "export", "--show-secrets")


def test_a_half_made_resource_is_kept_and_finished_by_the_next_deployment(
    make_stack: Callable[..., Stack], emulator: Emulator, cloud: Any
) -> None:
    with faulty(emulator.endpoint) as proxy:
        stack = make_stack(endpoint=proxy.endpoint)
        proxy.failing.add("DynamoDB_20120810.UpdateTimeToLive")

        broken = stack.run("up", "--yes", "--skip-preview")
        half_made = stack.one("aws:dynamodb/table:Table")
        proxy.failing.clear()
        stack.must("up", "--yes", "--skip-preview")
        finished = stack.one("aws:dynamodb/table:Table")
        ttl = cloud.client("dynamodb").describe_time_to_live(TableName=finished["id"])
        stack.must("up", "--yes", "--expect-no-changes")
        stack.must("destroy", "--yes", "--skip-preview")

    assert broken.returncode != 0
    assert "was created but is not complete" in broken.stdout
    assert half_made["initErrors"]
    assert finished["id"] == half_made["id"]
    assert "initErrors" not in finished
    assert ttl["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_deploying_without_an_embedded_aws_says_what_to_do(
    make_stack: Callable[..., Stack],
) -> None:
    done = make_stack().run("up", "--yes", "--skip-preview")

    assert done.returncode != 0
    assert "the stand-in provider has no embedded AWS" in done.stdout
    assert "use the real plugin" in done.stdout
    # The SDK may print its own: the engine ends while the program still waits for an answer.
    assert "localcloud/providers" not in done.stdout + done.stderr


def test_a_real_endpoint_is_refused_before_anything_is_planned(
    make_stack: Callable[..., Stack],
) -> None:
    done = make_stack(endpoint="https://dynamodb.us-east-1.amazonaws.com").run("preview")

    assert done.returncode != 0
    assert "talks to loopback addresses only" in done.stdout + done.stderr


def test_a_dead_emulator_is_named_as_the_reason(make_stack: Callable[..., Stack]) -> None:
    done = make_stack(endpoint="http://127.0.0.1:1").run("up", "--yes", "--skip-preview")

    assert done.returncode != 0
    assert "the embedded AWS does not answer" in done.stdout, done.stdout + done.stderr
    assert "python -m localcloud up" in done.stdout


def test_a_wrong_account_stops_the_deployment(
    make_stack: Callable[..., Stack], emulator: Emulator
) -> None:
    options = json.dumps({"access_key": "111111111111", "secret_key": "x"})

    done = make_stack(endpoint=emulator.endpoint, provider=options).run("preview")

    assert done.returncode != 0
    assert "AWS account ID not allowed: 111111111111" in done.stdout + done.stderr


def test_a_wrong_property_is_told_with_its_resource(make_stack: Callable[..., Stack]) -> None:
    done = make_stack(broken="true").run("preview")

    assert done.returncode != 0
    assert "expected number type, got string type" in done.stdout
    assert "broken.visibilityTimeoutSeconds" in done.stdout


def test_any_other_component_is_refused_by_name(make_stack: Callable[..., Stack]) -> None:
    done = make_stack(component="api").run("preview")

    assert done.returncode != 0
    assert "the stand-in provider has no awsx:ecs:FargateService" in done.stdout + done.stderr
    assert "Unexpected" not in done.stdout
    assert "localcloud/providers" not in done.stdout


def test_the_vpc_has_the_children_of_the_real_component(deployed: Stack) -> None:
    state = {
        one["urn"].rpartition("::")[2]: one for one in deployed.state() if "Subnet" in one["type"]
    }
    subnet = state["net-private-1"]
    routes = {
        one["urn"].rpartition("::")[2]: one
        for one in deployed.state()
        if one["type"] == "aws:ec2/route:Route"
    }
    nats = {
        one["urn"].rpartition("::")[2]: one
        for one in deployed.state()
        if one["type"] == "aws:ec2/natGateway:NatGateway"
    }
    outputs = deployed.outputs()

    assert subnet["parent"].endswith("$aws:ec2/vpc:Vpc::net")
    assert subnet["inputs"]["cidrBlock"] == "10.0.32.0/19"
    assert subnet["inputs"]["tags"] == {
        "Name": "net-private-1a",
        "SubnetType": "Private",
        "team": "platform",
        "tier": "inner",
    }
    assert state["net-public-2"]["inputs"]["mapPublicIpOnLaunch"] is True
    assert "tier" not in state["net-public-2"]["inputs"]["tags"]
    assert nats["net-2"]["parent"].endswith("::net-public-2")
    assert routes["net-private-2"]["inputs"]["natGatewayId"] == nats["net-2"]["id"]
    assert routes["net-public-2"]["inputs"]["gatewayId"].startswith("igw-")
    assert outputs["isolated"] == []
    assert len(outputs["private"]) == outputs["addresses"] == 3
