"""`python -m guardrails`: exit codes, formats, and files that cannot be judged."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from guardrails.controls.credentials import known_format
from guardrails.registry import registry

TABLE = "aws:dynamodb/table:Table"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"


def resource(token: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::app::{token}::{name}", "type": token, "custom": True, **fields}


def state(*resources: dict[str, Any], version: int = 3) -> dict[str, Any]:
    root = resource("pulumi:pulumi:Stack", "app-dev")
    return {"version": version, "deployment": {"resources": [root, *resources]}}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: Any, name: str = "state.json") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def judged(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {v["control"]: v["verdict"] for v in json.loads(done.stdout)["verdicts"]}


def topic() -> dict[str, Any]:
    tags = {"owner": "team", "env": "dev", "data-class": "internal", "pci-scope": "out"}
    return resource(
        "aws:sns/topic:Topic",
        "news",
        inputs={"name": "news", "kmsMasterKeyId": "alias/news", "tags": tags},
    )


@pytest.fixture
def elsewhere(write: Any) -> Path:
    """The account's own settings are in another stack."""
    settings = ("acc-01", "acc-02", "ct-01", "iam-14", "s3-02")
    return write({name: {"heldIn": "account"} for name in settings}, "config.json")


def test_a_clean_state_exits_zero(run: Any, write: Any, elsewhere: Path) -> None:
    done = run("check", write(state(topic())), "--config", elsewhere)

    assert done.returncode == 0, done.stdout
    assert "clean" in done.stdout


def test_a_violation_exits_one_and_lists_every_verdict(run: Any, write: Any) -> None:
    path = write(state(resource(TABLE, "ledger", inputs={"hashKey": "pk"})))
    done = run("check", path, "--format", "json")
    verdicts = json.loads(done.stdout)["verdicts"]

    assert done.returncode == 1
    assert {"control", "urn", "verdict", "path"} <= set(verdicts[0])
    assert judged(done)["DDB-01"] == "FAIL"
    assert judged(done)["ACC-10"] == "PASS"
    assert set(judged(done)) == set(registry())


def test_the_table_names_control_resource_property_and_fix(run: Any, write: Any) -> None:
    done = run("check", write(state(resource(TABLE, "ledger", inputs={}))))

    for said in ("DDB-01", "Table ledger", "pointInTimeRecovery.enabled", "fix: Set point_in"):
        assert said in done.stdout


def test_an_unknown_in_the_file_counts_as_unknown(run: Any, write: Any) -> None:
    inputs = {"pointInTimeRecovery": {"enabled": UNKNOWN}}

    done = run("check", write(state(resource(TABLE, "t", inputs=inputs))), "--format", "json")

    assert judged(done)["DDB-01"] == "UNKNOWN"


def test_an_encrypted_secret_is_not_guessed_and_not_shown(run: Any, write: Any) -> None:
    secret = {SIGNATURE: SECRET, "ciphertext": "v1:abc:def"}
    version = resource(
        "aws:secretsmanager/secretVersion:SecretVersion", "v", inputs={"secretString": secret}
    )
    table = resource(TABLE, "t", inputs={"serverSideEncryption": secret})

    done = run("check", write(state(version, table)), "--format", "json")

    assert judged(done)["SEC-04"] == "PASS"
    assert judged(done)["DDB-02"] == "UNKNOWN"
    assert "ciphertext" not in done.stdout


def test_a_plain_secret_in_the_state_is_found(run: Any, write: Any) -> None:
    version = resource(
        "aws:secretsmanager/secretVersion:SecretVersion", "v", inputs={"secretString": "sesame"}
    )

    done = run("check", write(state(version)), "--format", "json")

    assert judged(done)["SEC-04"] == "FAIL"
    assert "sesame" not in done.stdout


def test_dependencies_of_the_state_are_followed(run: Any, write: Any) -> None:
    key = resource("aws:kms/key:Key", "k", inputs={"enableKeyRotation": True})
    table = resource(
        TABLE,
        "t",
        inputs={"serverSideEncryption": {"enabled": True, "kmsKeyArn": "arn:somewhere"}},
        propertyDependencies={"serverSideEncryption": [key["urn"]]},
    )

    done = run("check", write(state(key, table)), "--format", "json")

    assert judged(done)["DDB-02"] == "PASS"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "not json",
        "[]",
        "7",
        "{}",
        '{"steps": [], "duration": 1}',
        '{"version": 3, "deployment": {"resources": {}}}',
        '{"version": 3, "deployment": 7}',
        '{"version": 3, "deployment": {"resources": [7]}}',
        '{"version": 3, "deployment": {"resources": [{"urn": 7}]}}',
        '{"version": 3, "deployment": {"resources": [{"urn": "a", "type": "b", "inputs": []}]}}',
        '{"version": 99, "deployment": {"resources": []}}',
        '{"sequence": 1}\n{"sequence',
        "[" * 100_000,
    ],
)
def test_an_unusable_file_says_what_why_and_what_to_do(run: Any, write: Any, content: str) -> None:
    done = run("check", write(content))

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "why:" in done.stderr
    assert "do:" in done.stderr
    assert done.stdout == ""


def test_a_missing_or_binary_file_is_unusable_too(run: Any, tmp_path: Path) -> None:
    binary = tmp_path / "b"
    binary.write_bytes(b"\xff\xfe\x00\x80")

    assert run("check", tmp_path / "none").returncode == 2
    assert run("check", binary).returncode == 2
    assert run("check", tmp_path).returncode == 2


@pytest.mark.parametrize(
    ("token", "inputs"),
    [
        (TABLE, {"pointInTimeRecovery": "on"}),
        ("aws:ec2/securityGroup:SecurityGroup", {"ingress": "everything"}),
        ("aws:iam/policy:Policy", {"policy": "{"}),
        ("aws:iam/policy:Policy", {"policy": {"Statement": {"Effect": "allow", "NotAction": "x"}}}),
        ("aws:ecs/taskDefinition:TaskDefinition", {"containerDefinitions": "{}"}),
    ],
)
def test_a_wrong_property_is_a_violation_never_a_crash(
    run: Any, write: Any, token: str, inputs: dict[str, Any]
) -> None:
    done = run("check", write(state(resource(token, "odd", inputs=inputs))), "--format", "json")

    assert done.returncode == 1
    assert "ERROR" not in judged(done).values()
    assert "FAIL" in judged(done).values()


def test_parents_in_a_circle_are_survived(run: Any, write: Any, elsewhere: Path) -> None:
    one, two = topic(), topic() | {"urn": "urn:pulumi:dev::app::aws:sns/topic:Topic::b"}
    one["parent"], two["parent"] = two["urn"], one["urn"]

    assert run("check", write(state(one, two)), "--config", elsewhere).returncode == 0


def test_an_unknown_type_is_a_finding(run: Any, write: Any) -> None:
    done = run("check", write(state(resource("aws:new/thing:Thing", "t"))), "--format", "json")

    assert judged(done)["ACC-10"] == "FAIL"


def test_sarif_and_junit_hold_the_same_counts(run: Any, write: Any) -> None:
    path = write(state(resource(TABLE, "ledger", inputs={"hashKey": "pk"})))
    whole = json.loads(run("check", path, "--format", "json").stdout)
    sarif = json.loads(run("check", path, "--format", "sarif").stdout)["runs"][0]
    junit = ET.fromstring(run("check", path, "--format", "junit").stdout)  # noqa: S314 - our own

    failed = whole["header"]["counts"]["FAIL"]
    kinds = [result["kind"] for result in sarif["results"]]
    assert kinds.count("fail") == failed
    assert kinds.count("pass") == whole["header"]["counts"]["PASS"]
    assert sum(int(suite.attrib["failures"]) for suite in junit) == failed


def test_a_framework_narrows_the_controls(run: Any, write: Any) -> None:
    done = run("check", write(state(topic())), "--framework", "hipaa", "--format", "json")

    assert set(judged(done)) == {
        key for key, control in registry().items() if control.requirements("hipaa")
    }


def test_a_configuration_that_names_no_control_is_refused(run: Any, write: Any) -> None:
    done = run("check", write(state(topic())), "--config", write({"vpc-99": {}}, "config.json"))

    assert done.returncode == 2
    assert "not in the catalogue" in done.stderr


def test_waivers_are_applied_by_stack(run: Any, write: Any, tmp_path: Path) -> None:
    file = tmp_path / "w.yaml"
    file.write_text("waivers: [{policy: DDB-01}]")

    done = run("check", write(state(topic())), "--waivers", file, "--format", "json")

    assert done.returncode == 1
    assert judged(done)["waiver-malformed"] == "FAIL"


def test_the_catalogue_is_listed_by_framework(run: Any) -> None:
    listed = json.loads(run("controls", "--framework", "pci", "--format", "json").stdout)

    assert {entry["id"] for entry in listed} == {
        key for key, control in registry().items() if control.requirements("pci")
    }
    assert run("controls").returncode == 0
    assert "# DDB-01" in run("controls", "ddb-01").stdout
    assert run("controls", "DDB-99").returncode == 2


@pytest.mark.parametrize("command", [[], ["check"], ["evidence"], ["controls"]])
def test_every_command_explains_itself(run: Any, command: list[str]) -> None:
    done = run(*command, "--help")

    assert done.returncode == 0
    assert "usage:" in done.stdout


def test_a_state_of_a_thousand_resources_is_judged_in_time(run: Any, write: Any) -> None:
    policy = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject",
                                        "Resource": "arn:aws:s3:::b/*"}]})  # fmt: skip
    many = [
        resource("aws:iam/policy:Policy", f"p{i}", inputs={"policy": policy}) for i in range(500)
    ] + [resource(TABLE, f"t{i}", inputs={"hashKey": "pk"}) for i in range(500)]
    path = write(state(*many))
    started = time.monotonic()

    done = run("check", path, "--format", "json")

    assert done.returncode == 1
    assert time.monotonic() - started < 30  # 5 s on an idle machine; shared ones are slower


def test_ten_thousand_statements_are_all_read(run: Any, write: Any) -> None:
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::büro-日本/*"}
    everything = {"Effect": "allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Statement": [allow] * 9_999 + [everything]}, ensure_ascii=False)
    role = resource("aws:iam/policy:Policy", "büro-日本-🚀", inputs={"policy": policy})

    done = run("check", write(state(role)), "--format", "json")

    found = {v["control"]: v for v in json.loads(done.stdout)["verdicts"]}
    assert done.returncode == 1
    assert found["IAM-01"]["verdict"] == "FAIL"
    assert found["IAM-01"]["path"] == "policy.Statement.9999"
    assert found["IAM-01"]["urn"].endswith("::büro-日本-🚀")


@pytest.mark.parametrize("text", ["x.-y", "-eyJabcdefghij", "-----BEGIN ", "a://b:", "AKIA-"])
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    started = time.process_time()

    assert known_format(text * (300_000 // len(text))) is None
    assert time.process_time() - started < 6  # without bounds some take minutes


def test_a_state_of_fifty_megabytes_is_judged_like_a_small_one(run: Any, write: Any) -> None:
    padding = {"description": "x" * 500_000}
    many = [resource("aws:sns/topic:Topic", f"t{i}", inputs=padding) for i in range(100)]
    path = write(state(*many, resource(TABLE, "ledger", inputs={"hashKey": "pk"})))

    done = run("check", path, "--format", "json")

    assert path.stat().st_size > 50_000_000
    assert judged(done)["DDB-01"] == "FAIL"
    assert "ERROR" not in judged(done).values()
