"""What the whole catalogue costs: in a pack process, and on an exported state."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel
from results import Result

from guardrails.engine import Servicer, Session
from guardrails.journal import Writer
from guardrails.pack import policies
from guardrails.registry import registry
from guardrails.waivers import Waivers

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS = 5
STACK = 150  # resources of an ordinary stack
POLICY_SECONDS, TWICE = 1.0, 2.0
STATE, STATE_SECONDS, STATE_MIB = 1000, 5.0, 300.0
DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"Use{number}",
                "Effect": "Allow",
                "Action": ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                "Resource": f"arn:aws:dynamodb:eu-west-1:111122223333:table/orders-{number}",
                "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
            }
            for number in range(8)
        ],
    }
)
TAGS = {"owner": "team", "env": "production", "data-class": "internal", "pci-scope": "out"}
# About 2 KB a resource, in the proportions of a service: policies, rules, logs, alarms, tables.
MIX: tuple[tuple[str, dict[str, Any]], ...] = (
    ("aws:iam/rolePolicy:RolePolicy", {"policy": DOCUMENT, "role": "app"}),
    ("aws:iam/role:Role", {"assumeRolePolicy": DOCUMENT, "tags": TAGS}),
    ("aws:ec2/securityGroup:SecurityGroup", {"description": "Tasks", "tags": TAGS}),
    (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        {"ipProtocol": "tcp", "fromPort": 443, "toPort": 443, "cidrIpv4": "10.0.0.0/16"},
    ),
    ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 400, "kmsKeyId": "k", "tags": TAGS}),
    ("aws:cloudwatch/metricAlarm:MetricAlarm", {"alarmActions": ["arn:aws:sns:::a"], "tags": TAGS}),
    ("aws:dynamodb/table:Table", {"billingMode": "PAY_PER_REQUEST", "tags": TAGS}),
    ("aws:s3/bucket:Bucket", {"tags": TAGS, "policy": DOCUMENT}),
    ("aws:kms/key:Key", {"policy": DOCUMENT, "enableKeyRotation": True, "tags": TAGS}),
    ("aws:ec2/subnet:Subnet", {"availabilityZone": "eu-west-1a", "tags": TAGS}),
)


def measure() -> Iterator[Result]:
    """Policy time of one stack and of one twice as large, then `check` on a large state."""
    # The quickest of alternating rounds: what else runs on the machine hits both alike.
    rounds = [(_policy_seconds(STACK), _policy_seconds(2 * STACK)) for _ in range(ROUNDS)]
    once, twice = (min(spent) for spent in zip(*rounds, strict=True))
    yield Result(
        name=f"{len(registry())} controls on {STACK} resources",
        measured=f"{once:.2f} s",
        baseline=f"{POLICY_SECONDS:.0f} s",
        ratio=once / POLICY_SECONDS,
        bar=1.0,
    )
    yield Result(
        name="the same on twice the resources",
        measured=f"{twice:.2f} s",
        baseline=f"{once:.2f} s",
        ratio=twice / once,
        bar=TWICE,
    )
    seconds, mebibytes = _check()
    yield Result(
        name=f"check of a state of {STATE} resources",
        measured=f"{seconds:.1f} s",
        baseline=f"{STATE_SECONDS:.0f} s",
        ratio=seconds / STATE_SECONDS,
        bar=1.0,
    )
    yield Result(
        name="memory of the same",
        measured=f"{mebibytes:.0f} MiB",
        baseline=f"{STATE_MIB:.0f} MiB",
        ratio=mebibytes / STATE_MIB,
        bar=1.0,
    )


def _declared(count: int) -> list[tuple[str, str, dict[str, Any]]]:
    """Type, URN and inputs of `count` resources, each with documents of its own."""
    kinds = (MIX[number % len(MIX)] for number in range(count))
    return [
        (kind, f"urn:pulumi:bench::bench::{kind}::r{number}", {"name": f"r{number}", **own})
        for number, (kind, props) in enumerate(kinds)
        for own in [json.loads(json.dumps(props).replace("orders-", f"orders-{number}-"))]
    ]


def _policy_seconds(count: int) -> float:
    """Time that one pack process spends in all its calls for one stack."""
    declared = [(kind, urn, _struct(props)) for kind, urn, props in _declared(count)]
    alone = [
        proto.AnalyzeRequest(type=kind, urn=urn, name=urn, properties=props)
        for kind, urn, props in declared
    ]
    together = proto.AnalyzeStackRequest(
        resources=[
            proto.AnalyzerResource(type=kind, urn=urn, name=urn, properties=props)
            for kind, urn, props in declared
        ]
    )
    servicer = _servicer()
    started = time.perf_counter()
    for request in alone:
        servicer.Analyze(request, None)
    servicer.AnalyzeStack(together, None)
    return time.perf_counter() - started


def _struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


def _servicer() -> Servicer:
    session = Session(
        journal=Writer(None, "bench"), waivers=Waivers(), today=lambda: date(2026, 11, 24)
    )
    controls = policies(list(registry().values()), None)
    return Servicer("bench", "0.0.1", controls, EnforcementLevel.MANDATORY, session=session)


def _check() -> tuple[float, float]:
    """Seconds and peak MiB of `guardrails check`, in a process of its own."""
    resources = [
        {"urn": urn, "type": kind, "custom": True, "inputs": props, "outputs": props}
        for kind, urn, props in _declared(STATE)
    ]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "state.json"
        path.write_text(json.dumps({"version": 3, "deployment": {"resources": resources}}))
        command = [sys.executable, "-m", "guardrails", "check", str(path), "--format", "json"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
        spent = time.perf_counter() - started
    assert done.returncode == 1, done.stderr  # the mix breaks some controls
    # The largest child so far; nothing larger may run before it in this process.
    return spent, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
