"""What the engine is told: levels, messages, isolation of broken checks, and the journal."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import proto

from guardrails import engine, journal, pack
from guardrails.control import Options
from guardrails.graph import Resource
from guardrails.messages import parse
from guardrails.registry import registry
from guardrails.values import UNKNOWN_KINDS
from guardrails.verdicts import Finding, Verdict, failed
from guardrails.waivers import Waivers
from guardrails.waivers import parse as parse_waivers

TABLE = "aws:dynamodb/table:Table"
CONTROLS = registry()


@pytest.fixture
def unprotected(harness: Any) -> list[Any]:
    return [harness.Declared(TABLE, "ledger", {"hashKey": "pk"})]


def raising(_: Resource, __: Options) -> Finding:
    raise KeyError("the value of a secret")


def test_the_sdk_is_the_one_the_private_names_were_read_in() -> None:
    assert version("pulumi-policy") == engine.SDK_VERSION


def test_a_violation_names_control_resource_property_and_fix(
    harness: Any, unprotected: list[Any]
) -> None:
    bench = harness.Bench([CONTROLS["DDB-01"]])
    bench.run(unprotected)

    (diagnostic,) = bench.diagnostics
    said = parse(diagnostic.message)

    assert diagnostic.enforcementLevel == proto.MANDATORY
    assert diagnostic.urn == unprotected[0].urn
    assert said == {
        "control": "DDB-01",
        "verdict": "FAIL",
        "path": "pointInTimeRecovery.enabled",
        "found": "point-in-time recovery is off",
        "expected": CONTROLS["DDB-01"].title,
        "fix": CONTROLS["DDB-01"].fix,
        "page": "docs/controls/DDB-01.md",
    }


def test_a_check_that_raises_is_an_error_on_its_resource_and_stops_nothing_else(
    harness: Any, unprotected: list[Any]
) -> None:
    broken = replace(CONTROLS["DDB-03"], check=raising)
    bench = harness.Bench([broken, CONTROLS["DDB-01"]])

    records = {r.control: r for r in bench.run(unprotected)}

    assert records["DDB-03"].verdict is Verdict.ERROR
    assert records["DDB-03"].urn == unprotected[0].urn
    assert records["DDB-01"].verdict is Verdict.FAIL
    error = next(d for d in bench.diagnostics if d.policyName == "ddb-03")
    assert error.enforcementLevel == proto.MANDATORY
    assert "the value of a secret" not in error.message


def test_a_stack_check_that_raises_is_an_error_too(harness: Any, unprotected: list[Any]) -> None:
    def join(*_: Any) -> Iterator[Finding]:
        yield failed("first", "something")
        raise RuntimeError("broken")

    broken = replace(CONTROLS["DDB-02"], check=None, check_types=(), join=join)

    (record,) = harness.Bench([broken]).run(unprotected)

    assert record.verdict is Verdict.ERROR


def test_an_unknown_is_advisory_to_the_engine(harness: Any) -> None:
    table = harness.Declared(TABLE, "t", {"pointInTimeRecovery": harness.UNKNOWN})
    bench = harness.Bench([CONTROLS["DDB-01"]])

    (record,) = bench.run([table])

    assert record.verdict is Verdict.UNKNOWN
    assert record.path == "pointInTimeRecovery"
    assert [d.enforcementLevel for d in bench.diagnostics] == [proto.ADVISORY]


@pytest.mark.parametrize("kind", ["boolean", "number", "string", "array", "object", "asset"])
def test_every_kind_of_unknown_is_recognised(harness: Any, kind: str) -> None:
    sentinel = next(s for s, name in UNKNOWN_KINDS.items() if name == kind)
    table = harness.Declared(TABLE, "t", {"pointInTimeRecovery": {"enabled": sentinel}})

    (record,) = harness.Bench([CONTROLS["DDB-01"]]).run([table])

    assert (record.verdict, record.found) == (
        Verdict.UNKNOWN,
        f"{kind} not known before deployment",
    )


def waiver(**changes: Any) -> dict[str, Any]:
    entry = {
        "policy": "DDB-01",
        "urn": "urn:pulumi:prod::*::*aws:dynamodb/table:Table::ledger",
        "stacks": ["prod"],
        "reason": "The table holds only data that can be computed again from the ledger.",
        "owner": "platform-team",
        "approver": "security-lead",
        "ticket": "SEC-12",
        "compensating_control": "The source is kept for seven years.",
        "created": harness_today(-10),
        "expires": harness_today(10),
    }
    return entry | changes


def harness_today(days: int) -> Any:
    return date(2026, 11, 24) + timedelta(days=days)


def loaded(*entries: dict[str, Any]) -> Waivers:
    return parse_waivers({"waivers": list(entries)}, CONTROLS)


def test_a_waived_violation_is_advisory_and_stays_visible(
    harness: Any, unprotected: list[Any]
) -> None:
    bench = harness.Bench([CONTROLS["DDB-01"]], waivers=loaded(waiver()))

    (record,) = bench.run(unprotected)

    assert (record.verdict, record.waiver) == (Verdict.WAIVED, "SEC-12")
    assert [d.enforcementLevel for d in bench.diagnostics] == [proto.ADVISORY]
    assert "waived: SEC-12" not in bench.diagnostics[0].message.splitlines()[0]


@pytest.mark.parametrize(
    ("entry", "policy", "verdict"),
    [
        (waiver(expires=harness_today(-1)), "waiver-expired", Verdict.FAIL),
        (waiver(approver="platform-team"), "waiver-malformed", Verdict.FAIL),
        (
            waiver(urn="urn:pulumi:prod::*::*aws:dynamodb/table:Table::other"),
            "waiver-unused",
            Verdict.FAIL,
        ),
    ],
    ids=["expired", "malformed", "unused"],
)
def test_a_bad_waiver_is_a_violation_and_covers_nothing(
    harness: Any, unprotected: list[Any], entry: dict[str, Any], policy: str, verdict: Verdict
) -> None:
    bench = harness.Bench([CONTROLS["DDB-01"]], waivers=loaded(entry))

    records = {r.control: r.verdict for r in bench.run(unprotected)}

    assert records == {"DDB-01": verdict, policy: Verdict.FAIL}
    own = next(d for d in bench.diagnostics if d.policyName == policy)
    assert own.enforcementLevel == proto.MANDATORY


def test_a_waiver_of_another_stack_or_control_is_not_called_unused(
    harness: Any, unprotected: list[Any]
) -> None:
    entries = loaded(waiver(stacks=["staging"]), waiver(policy="DDB-03"))

    records = harness.Bench([CONTROLS["DDB-01"]], waivers=entries).run(unprotected)

    assert [r.control for r in records] == ["DDB-01"]


def test_a_violation_of_the_first_half_is_not_said_again_by_the_second(harness: Any) -> None:
    group = harness.Declared(
        "aws:ec2/securityGroup:SecurityGroup",
        "open",
        {"ingress": [{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["::/0"]}]},
    )
    bench = harness.Bench([CONTROLS["VPC-05"]])
    bench.run([group])

    assert [d.policyName for d in bench.diagnostics] == ["vpc-05"]


def test_a_disabled_control_is_not_run(harness: Any, unprotected: list[Any]) -> None:
    bench = harness.Bench([CONTROLS["DDB-01"]])
    request = proto.ConfigureAnalyzerRequest()
    request.policyConfig["ddb-01"].enforcementLevel = proto.DISABLED
    bench.servicer.Configure(request, None)

    assert bench.run(unprotected) == []


def test_an_option_arrives_as_the_float_the_engine_sends(harness: Any) -> None:
    group = harness.Declared("aws:cloudwatch/logGroup:LogGroup", "api", {"retentionInDays": 90})
    strict = harness.Bench([CONTROLS["CW-01"]]).run([group])
    relaxed = harness.Bench([CONTROLS["CW-01"]], config={"cw-01": {"days": 90}}).run([group])

    assert [r.verdict for r in strict] == [Verdict.FAIL]
    assert [r.verdict for r in relaxed] == [Verdict.PASS]


def test_the_journal_holds_every_verdict_and_the_end(
    harness: Any, unprotected: list[Any], tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "verdicts.jsonl"
    bench = harness.Bench([CONTROLS["DDB-01"], CONTROLS["KMS-01"]], journal=path)
    bench.run(unprotected)

    read = journal.load(path)

    assert read.records == bench.session.records
    assert {r.control for r in read.records} == {"DDB-01", "KMS-01"}
    assert read.summaries["guardrails-test"]["resources"] == 2
    assert read.summaries["guardrails-test"]["stack"] == "prod"


@pytest.mark.parametrize("line", ["{", '{"pack": "p", "kind": "verdict"}', "[]", '{"kind": "x"}'])
def test_a_foreign_line_in_the_journal_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text(f"{json.dumps({'pack': 'p', 'kind': 'pack'})}\n{line}\n")

    with pytest.raises(journal.JournalError, match="line 2"):
        journal.load(path)


def test_no_property_value_reaches_message_or_journal(harness: Any, tmp_path: Path) -> None:
    value = "https://user:sesame-open@example.com"
    path = tmp_path / "verdicts.jsonl"
    bench = harness.Bench(list(CONTROLS.values()), journal=path)
    bench.run([harness.Declared("aws:sns/topic:Topic", "t", {"tags": {"hook": value}})])

    said = "".join(d.message for d in bench.diagnostics) + path.read_text()

    assert "SEC-05 FAIL tags.hook" in said
    assert "sesame" not in said


def test_a_pack_lists_each_half_with_its_framework_and_tags() -> None:
    info = {p.name: p for p in pack.policies([CONTROLS["DDB-02"]], "pci")}

    assert set(info) == {
        "ddb-02",
        "ddb-02-stack",
        "waiver-malformed",
        "waiver-expired",
        "waiver-unused",
    }
    assert info["ddb-02"].framework is not None
    assert "pci-dss-4.0.1:3.5.1" in (info["ddb-02"].tags or [])
    assert "hipaa:164.312(a)(2)(iv)" in (info["ddb-02"].tags or [])
