"""The verbs as the builds call them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from budgetbuddy import contract
from delivery.ops.__main__ import cli

Run = Callable[..., Result]
DIGESTS = [f"sha256:{letter * 64}" for letter in "ab"]
EVENTS = "\n".join(
    json.dumps(event)
    for event in (
        {
            "resourcePreEvent": {
                "metadata": {
                    "op": "update",
                    "type": "aws:dynamodb/table:Table",
                    "urn": "urn:pulumi:s::p::aws:dynamodb/table:Table::ledger",
                    "detailedDiff": {"ttl": {}},
                }
            }
        },
        {"summaryEvent": {"isPreview": True}},
    )
)
PLAID = json.dumps({"clientId": "0" * 24, "secret": "a" * 30})


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: object, text: str | None = None) -> Result:
        return CliRunner().invoke(cli, [str(each) for each in arguments], input=text)

    return invoke


@pytest.fixture
def events(tmp_path: Path) -> Path:
    file = tmp_path / "events.jsonl"
    file.write_text(EVENTS)
    return file


def test_every_verb_says_what_it_does() -> None:
    assert all(command.help for command in cli.commands.values())


def test_the_hash_is_printed_and_compared(run: Run, events: Path) -> None:
    printed = run("steps-hash", events)
    value = printed.stdout.strip()

    assert printed.exit_code == 0
    assert len(value) == 64
    assert run("steps-hash", events, "--expect", value).exit_code == 0
    other = run("steps-hash", events, "--expect", "0" * 64)
    assert other.exit_code == 1
    assert "not what would happen" in other.stderr


def test_a_preview_that_was_cut_off_is_unusable(run: Run, events: Path) -> None:
    events.write_text(EVENTS.splitlines()[0])

    result = run("steps-hash", events)

    assert result.exit_code == 2
    assert "did not come to its end" in result.stderr


def test_the_summary_joins_steps_and_verdicts(run: Run, events: Path, tmp_path: Path) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_text(json.dumps({"header": {"counts": {"PASS": 7, "FAIL": 0}}}))

    result = run("summarise", events, evidence, "--digest", DIGESTS[0])

    assert result.exit_code == 0
    assert result.stdout.startswith("create 0, update 1, replace 0, delete 0; digest aaaaaaaaaaaa")
    assert "PASS 7, FAIL 0, UNKNOWN 0" in result.stdout


@pytest.mark.parametrize("text", ["{}", "nonsense"])
def test_evidence_that_is_none_is_unusable(
    run: Run, events: Path, tmp_path: Path, text: str
) -> None:
    evidence = tmp_path / "evidence.json"
    evidence.write_text(text)

    assert run("summarise", events, evidence, "--digest", DIGESTS[0]).exit_code == 2


def test_the_gate_opens_for_a_scanned_image_only(run: Run, tmp_path: Path) -> None:
    exceptions = tmp_path / "exceptions.yaml"
    exceptions.write_text("exceptions: []\n")
    scan = tmp_path / "scan.json"

    scan.write_text(json.dumps({"imageScanStatus": {"status": "COMPLETE"}}))
    clean = run("gate", scan, "--exceptions", exceptions)
    scan.write_text(json.dumps({"imageScanStatus": {"status": "IN_PROGRESS"}}))
    unfinished = run("gate", scan, "--exceptions", exceptions)
    exceptions.write_text("exceptions: [{}]\n")
    malformed = run("gate", scan, "--exceptions", exceptions)

    assert (clean.exit_code, json.loads(clean.stdout)) == (0, {"critical": 0, "high": 0})
    assert (unfinished.exit_code, malformed.exit_code) == (1, 2)
    assert "IN_PROGRESS" in unfinished.stderr
    assert "entry 1" in malformed.stderr


def test_the_exceptions_of_the_repository_are_right(run: Run, tmp_path: Path) -> None:
    scan = tmp_path / "scan.json"
    scan.write_text(json.dumps({"imageScanStatus": {"status": "COMPLETE"}}))
    file = Path(__file__).parents[2] / "pipelines" / "scan-exceptions.yaml"

    assert run("gate", scan, "--exceptions", file).exit_code == 0


def test_the_target_of_a_rollback_is_printed(run: Run, tmp_path: Path) -> None:
    history = tmp_path / "history.json"
    entries = [
        {
            "kind": "update",
            "result": "succeeded",
            "config": {
                "budgetbuddy:imageDigest": {"value": digest},
                "budgetbuddy:release": {"value": "abc1234"},
            },
        }
        for digest in DIGESTS
    ]
    history.write_text(json.dumps(entries))

    found = run("rollback-target", history, "--current", DIGESTS[0])
    none = run("rollback-target", history, "--current", DIGESTS[0], "--to", "latest")

    assert json.loads(found.stdout) == {"digest": DIGESTS[1], "release": "abc1234"}
    assert none.exit_code == 1
    assert "no image digest" in none.stderr


def test_a_rollback_that_would_change_a_table_is_refused(run: Run, events: Path) -> None:
    result = run("release-only", events)

    assert result.exit_code == 1
    assert "would update Table ledger" in result.stderr


@pytest.fixture
def _plaid(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    declared = tuple(
        contract.SecretSpec(variable=f"P_{key}", secret="plaid", json_key=key, required=False)
        for key in ("clientId", "secret")
    )
    monkeypatch.setattr(contract, "SECRETS", declared)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name="budgetbuddy/plaid")
        yield


@pytest.mark.usefixtures("_plaid")
def test_a_secret_is_stored_once_and_not_shown(run: Run) -> None:
    first = run("secrets", "plaid", "--stack", "staging", text=PLAID)
    again = run("secrets", "plaid", "--stack", "staging", text=PLAID)

    client = boto3.client("secretsmanager")
    stored = client.get_secret_value(SecretId="budgetbuddy/plaid")
    versions = client.list_secret_version_ids(SecretId="budgetbuddy/plaid")["Versions"]
    assert (first.exit_code, again.exit_code) == (0, 0)
    assert json.loads(stored["SecretString"]) == json.loads(PLAID)
    assert len(versions) == 1
    assert first.stdout == again.stdout
    assert "a" * 30 not in first.output + again.output


@pytest.mark.usefixtures("_plaid")
def test_a_refused_secret_is_not_stored_and_not_quoted(run: Run) -> None:
    refused = run("secrets", "plaid", "--stack", "staging", text=PLAID.replace("0", "z"))

    assert refused.exit_code == 2
    assert "clientId is no such credential" in refused.stderr
    assert "z" * 24 not in refused.output
    with pytest.raises(boto3.client("secretsmanager").exceptions.ResourceNotFoundException):
        boto3.client("secretsmanager").get_secret_value(SecretId="budgetbuddy/plaid")
