from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator]


def aws(cloud: LocalCloud, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=cloud.emulator.endpoint,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
    )


def steps(cloud: LocalCloud, events: str) -> dict[str, int]:
    """How many resources each operation touched, by the engine's own summary."""
    lines = (cloud.state / "evidence" / "local" / events).read_text().splitlines()
    summary = [json.loads(line)["summaryEvent"] for line in lines if '"summaryEvent"' in line]
    changes: dict[str, int] = summary[-1]["resourceChanges"]
    return changes


def test_up_prints_where_everything_is(cloud: LocalCloud) -> None:
    assert f"http://127.0.0.1:{cloud.port}/swagger-ui.html" in cloud.printed
    assert "index.html" in cloud.printed
    assert "Traceback" not in cloud.printed


def test_a_second_up_changes_nothing(cloud: LocalCloud) -> None:
    again = cloud.run("up")

    assert again.returncode == 0, again.stdout + again.stderr
    assert set(steps(cloud, "up.jsonl")) == {"same"}


def test_status_lists_running_processes_and_created_types(cloud: LocalCloud) -> None:
    status = cloud.run("status")

    assert status.returncode == 0, status.stdout + status.stderr
    assert status.stdout.count("RUNNING") == 5  # embedded AWS, two doubles, service, worker
    assert "aws:dynamodb/table:Table" in status.stdout


def test_a_token_of_the_last_minutes_is_given_again(cloud: LocalCloud) -> None:
    kept = cloud.state / "local" / "demo.token"
    first = cloud.client().token

    assert kept.stat().st_mode & 0o777 == 0o600
    assert cloud.client().token == first
    os.utime(kept, (0, 0))
    assert cloud.client().token != first


def test_a_kept_token_that_is_refused_is_replaced(cloud: LocalCloud) -> None:
    kept = cloud.state / "local" / "demo.token"
    kept.write_text("no token")

    assert cloud.client().token != "no token"


def test_a_deleted_alarm_is_seen_and_repaired(cloud: LocalCloud) -> None:
    cloudwatch = aws(cloud, "cloudwatch")
    names = {alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
    assert any("cpu" in name for name in names)
    lost = min(names)
    cloudwatch.delete_alarms(AlarmNames=[lost])

    repaired = cloud.run("up", "--refresh")

    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert lost in {alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}


def test_nothing_of_ours_listens_outside_loopback(cloud: LocalCloud) -> None:
    listening = listening_addresses(process_tree(cloud))

    assert listening
    assert {address for address, _ in listening} == {"127.0.0.1"}


def test_no_secret_lies_in_a_file_of_the_local_cloud_in_clear(cloud: LocalCloud) -> None:
    value = aws(cloud, "secretsmanager").get_secret_value(SecretId="budgetbuddy/jwt-secret")
    secret = json.loads(value["SecretString"])["secret"].encode()
    emulated = (
        cloud.state / "local" / "emulator"
    )  # the embedded Secrets Manager keeps its own store

    holders = [
        path
        for path in cloud.state.rglob("*")
        if path.is_file() and not path.is_relative_to(emulated) and secret in path.read_bytes()
    ]

    assert holders == []


def process_tree(cloud: LocalCloud) -> set[int]:
    """Process ids of everything whose environment or command names this cloud's state."""
    mark = str(cloud.state).encode()
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:  # it ended, or is not ours
                continue
            if mark in told:
                found.add(int(entry.name))
    return found


def listening_addresses(pids: set[int]) -> set[tuple[str, int]]:
    """(address, port) of every listening TCP socket these processes hold."""
    inodes = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(descriptor.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = set()
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[3] == "0A" and fields[9] in inodes:
            address, port = fields[1].split(":")
            raw = bytes.fromhex(address)[::-1]
            found.add((socket.inet_ntoa(raw), int(port, 16)))
    for row in Path("/proc/net/tcp6").read_text().splitlines()[1:]:
        fields = row.split()
        if fields[3] == "0A" and fields[9] in inodes:
            found.add((fields[1], 0))
    return found
