"""Whole programs on the real engine: what is wrong stops the preview and says how to mend it."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from guardrails.messages import parse
from guardrails.registry import registry

POLICIES = Path(__file__).parents[2] / "policies"
# A foreign program as the engine finds it: no component, no name or tag of this repository.
PROJECT = "name: foreign\nruntime: python\n"
PRELUDE = """
import json
import pulumi
import pulumi_aws as aws
aws_home = aws.Provider("pinned", region="eu-west-1", allowed_account_ids=["111122223333"],
    access_key="111122223333", secret_key="none", skip_credentials_validation=True,
    skip_requesting_account_id=True, default_tags={"tags": {"env": "dev"}})
opts = pulumi.ResourceOptions(provider=aws_home)
"""
PUBLIC_TASK = """
aws.ecs.Service("shop", name="shop", desired_count=2, launch_type="FARGATE",
    network_configuration={"subnets": ["subnet-0a"], "security_groups": ["sg-0a"],
                           "assign_public_ip": True}, opts=opts)
"""
OPEN_TABLE = """
aws.dynamodb.Table("orders", billing_mode="PAY_PER_REQUEST", hash_key="pk",
    attributes=[{"name": "pk", "type": "S"}], point_in_time_recovery={"enabled": True}, opts=opts)
"""
PLAIN_LISTENER = """
front = aws.lb.LoadBalancer("front", load_balancer_type="application", subnets=["subnet-0a"],
    drop_invalid_header_fields=True, opts=opts)
group = aws.lb.TargetGroup("web", port=80, protocol="HTTP", vpc_id="vpc-0a",
    health_check={"path": "/"}, opts=opts)
aws.lb.Listener("plain", load_balancer_arn=front.arn, port=80, protocol="HTTP",
    default_actions=[{"type": "forward", "target_group_arn": group.arn}], opts=opts)
"""


@dataclass(frozen=True)
class Preview:
    code: int
    events: list[dict[str, Any]]
    journal: list[dict[str, Any]]

    def violations(self) -> dict[tuple[str, str], dict[str, str]]:
        """Control and resource name to the parsed message of each mandatory violation."""
        found = {}
        for event in self.events:
            policy = event.get("policyEvent")
            if policy and policy["enforcementLevel"] == "mandatory":
                said = parse(policy["message"])
                assert said is not None
                found[said["control"], policy["resourceUrn"].rpartition("::")[2]] = said
        return found


@pytest.fixture
def preview(tmp_path: Path) -> Any:
    def run(program: str, pack: Path = POLICIES / "all") -> Preview:
        directory = tmp_path / "program"
        directory.mkdir()
        (directory / "Pulumi.yaml").write_text(PROJECT)
        (directory / "__main__.py").write_text(PRELUDE + program)
        journal = tmp_path / "verdicts.jsonl"
        engine = [sys.executable, "-P", "-m", "localcloud.engine", "run"]
        engine += ["--state", str(tmp_path / "state"), "--", "--cwd", str(directory)]
        environment = os.environ | {
            "GUARDRAILS_JOURNAL": str(journal),
            "PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true",
        }

        def call(*arguments: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*engine, *arguments],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=240,
            )

        created = call("stack", "init", "dev")
        assert created.returncode == 0, created.stderr
        done = call("preview", "--stack", "dev", "--json", "--policy-pack", str(pack))
        assert done.stdout, done.stderr
        return Preview(
            done.returncode,
            [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")],
            [json.loads(line) for line in journal.read_text().splitlines()],
        )

    return run


@pytest.mark.engine
@pytest.mark.parametrize(
    ("program", "control", "resource", "path"),
    [
        (PUBLIC_TASK, "ECS-02", "shop", "networkConfiguration.assignPublicIp"),
        (OPEN_TABLE, "DDB-02", "orders", "serverSideEncryption.enabled"),
        (PLAIN_LISTENER, "LB-01", "plain", "defaultActions.0.type"),
    ],
    ids=["public task", "unencrypted table", "HTTP-only listener"],
)
def test_a_broken_program_is_stopped_with_control_resource_property_and_fix(
    preview: Any, program: str, control: str, resource: str, path: str
) -> None:
    result = preview(program)

    assert result.code != 0
    said = result.violations()[control, resource]
    assert said["path"] == path
    assert said["fix"] == registry()[control].fix
    assert said["page"].endswith(f"{control}.md")


@pytest.mark.engine
def test_every_control_leaves_a_verdict_in_the_journal(preview: Any) -> None:
    result = preview(OPEN_TABLE)

    verdicts = [line for line in result.journal if line["kind"] == "verdict"]
    assert {line["control"] for line in verdicts} == set(registry())
    assert [line["kind"] for line in result.journal][-1] == "summary"


@pytest.mark.engine
def test_a_control_that_raises_fails_the_preview_and_stops_no_other(
    preview: Any, tmp_path: Path
) -> None:
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("name: broken\nversion: 0.0.1\nruntime: python\n")
    (pack / "__main__.py").write_text(
        "from dataclasses import replace\n"
        "from pathlib import Path\n"
        "from guardrails import pack, registry\n"
        "def broken(resource, options):\n"
        "    raise KeyError('boom')\n"
        "controls = registry.registry()\n"
        "controls['DDB-03'] = replace(controls['DDB-03'], check=broken)\n"
        "pack.serve(None, Path(__file__).parent)\n"
    )

    result = preview(OPEN_TABLE, pack)

    assert result.code != 0
    assert result.violations()["DDB-03", "orders"]["verdict"] == "ERROR"
    assert result.violations()["DDB-02", "orders"]["verdict"] == "FAIL"
