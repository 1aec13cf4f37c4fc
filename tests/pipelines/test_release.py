"""A release and the way back, on an engine that does as it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.ops.engine import Engine, EngineError, LockedError
from delivery.ops.release import (
    Approved,
    RefusedError,
    ReleaseFailedError,
    deploy,
    expecting,
    roll_back,
)
from delivery.ops.steps import Plan, Step

OLD, NEW, FOREIGN = (f"sha256:{letter * 64}" for letter in "abc")
SERVICE = Step("update", "aws:ecs/service:Service", "urn:pulumi:s::p::aws:ecs/service:Service::api")
TABLE = Step("update", "aws:dynamodb/table:Table", "urn:pulumi:s::p::aws:dynamodb/table:Table::t")
PLAN = Plan(steps=(SERVICE,))


def updated(digest: str, release: str, result: str = "succeeded") -> dict[str, Any]:
    config = {
        "budgetbuddy:imageDigest": {"value": digest},
        "budgetbuddy:release": {"value": release},
    }
    return {"kind": "update", "result": result, "config": config}


class FakeEngine:
    """Remembers what it was asked; `failures` are raised by one `up` after another."""

    def __init__(self, *failures: EngineError | None, plan: Plan = PLAN) -> None:
        self.failures, self.plan = list(failures), plan
        self.asked: list[tuple[str, ...]] = []
        self.past = [updated(OLD, "old1234")]

    def history(self) -> list[dict[str, Any]]:
        return self.past

    def set_release(self, digest: str, release: str) -> None:
        self.asked.append(("set", digest, release))

    def preview(self, events: Path) -> Plan:
        self.asked.append(("preview", events.name))
        return self.plan

    def up(self, events: Path, message: str) -> None:
        self.asked.append(("up", events.name, message))
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure


class FakeRegistry:
    def holds(self, digest: str) -> bool:
        return digest in {OLD, NEW}


def release(
    engine: FakeEngine, work: Path, digest: str = NEW, steps: str = PLAN.hash, built: str = ""
) -> Any:
    approved = Approved(
        digest=digest,
        release="new1234",
        refuses=expecting(steps),
        record={"digest": built} if built else None,
    )
    fake: Any = engine
    return deploy(fake, approved, FakeRegistry(), work)


def test_what_was_approved_is_deployed_and_the_way_back_is_remembered(tmp_path: Path) -> None:
    engine = FakeEngine()

    done = release(engine, tmp_path, digest=NEW)

    assert (done.digest, done.release, done.previous) == (NEW, "new1234", OLD)
    assert [each[0] for each in engine.asked] == ["set", "preview", "up"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": "budgetbuddy:latest"}, "no image digest"),
        ({"digest": FOREIGN}, "not in the approved repository"),
        ({"steps": "0" * 64}, "is not what would happen"),
    ],
    ids=["a tag", "a foreign image", "other steps"],
)
def test_what_was_not_approved_is_not_deployed(
    changes: dict[str, str], words: str, tmp_path: Path
) -> None:
    engine = FakeEngine()

    with pytest.raises(RefusedError, match=words):
        release(engine, tmp_path, **changes)

    assert "up" not in [each[0] for each in engine.asked]


def test_another_image_than_the_one_that_was_built_is_refused(tmp_path: Path) -> None:
    engine = FakeEngine()

    with pytest.raises(RefusedError, match="not the image that was built"):
        release(engine, tmp_path, digest=OLD, built=NEW)

    assert engine.asked == []


def test_after_ecs_went_back_the_state_is_told(tmp_path: Path) -> None:
    engine = FakeEngine(EngineError("circuit breaker", frozenset({SERVICE.urn})))

    with pytest.raises(ReleaseFailedError, match="old1234 serves, and the state says so"):
        release(engine, tmp_path)

    assert engine.asked[-2:] == [
        ("set", OLD, "old1234"),
        ("up", "reconcile.jsonl", f"back to old1234 {OLD}"),
    ]


def test_infrastructure_that_failed_half_way_is_named_and_not_undone(tmp_path: Path) -> None:
    engine = FakeEngine(EngineError("throttled", frozenset({TABLE.urn})))

    with pytest.raises(ReleaseFailedError, match=r"Table::t; the state says how far it came"):
        release(engine, tmp_path)

    assert [each[0] for each in engine.asked] == ["set", "preview", "up"]


def test_a_first_release_that_fails_says_that_nothing_serves(tmp_path: Path) -> None:
    engine = FakeEngine(EngineError("circuit breaker", frozenset({SERVICE.urn})))
    engine.past = []

    with pytest.raises(ReleaseFailedError, match="no task serves"):
        release(engine, tmp_path)


def test_a_state_that_cannot_be_told_is_said(tmp_path: Path) -> None:
    failed = EngineError("circuit breaker", frozenset({SERVICE.urn}))
    engine = FakeEngine(failed, EngineError("throttled"))

    with pytest.raises(ReleaseFailedError, match="could not be told so: throttled"):
        release(engine, tmp_path)


def back(engine: FakeEngine, work: Path, wanted: str | None = None, **options: bool) -> Any:
    fake: Any = engine
    return roll_back(fake, NEW, wanted, work, **options)


def test_the_release_before_is_deployed_again(tmp_path: Path) -> None:
    engine = FakeEngine()
    engine.past = [updated(NEW, "new1234"), updated(OLD, "old1234")]

    assert back(engine, tmp_path) == (OLD, "old1234")
    assert engine.asked[-1][0] == "up"


@pytest.mark.parametrize("wanted", [FOREIGN, "latest"])
def test_nobody_goes_back_to_what_was_never_released(wanted: str, tmp_path: Path) -> None:
    engine = FakeEngine()

    with pytest.raises(RefusedError):
        back(engine, tmp_path, wanted)

    assert engine.asked == []


def test_going_back_changes_nothing_but_the_release(tmp_path: Path) -> None:
    engine = FakeEngine(plan=Plan(steps=(SERVICE, TABLE)))

    with pytest.raises(RefusedError, match=r"would change more.*Table t"):
        back(engine, tmp_path)
    assert "up" not in [each[0] for each in engine.asked]

    assert back(engine, tmp_path, infrastructure=True) == (OLD, "old1234")


# --- The engine's command line -------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Engine]:
    """An engine whose program is the shell script that a test gives."""

    def make(script: str) -> Engine:
        program = tmp_path / "pulumi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        return Engine(stack="staging", directory=tmp_path)

    return make


def test_a_second_release_at_once_is_stopped_by_the_lock(
    engine: Callable[[str], Engine], tmp_path: Path
) -> None:
    busy = engine("echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 1")

    with pytest.raises(LockedError, match="pulumi cancel"):
        busy.up(tmp_path / "up.jsonl", "m")
    with pytest.raises(LockedError):
        busy.set_release(NEW, "new1234")


def test_what_failed_is_named_with_its_resource(
    engine: Callable[[str], Engine], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (
        '{"resOutputsEvent":{"metadata":{"op":"update","type":"a:b:C","urn":"u::x"}}}\n'
        '{"diagnosticEvent":{"severity":"error","urn":"u::x","message":"<{%red%}>no quota"}}\n'
        '{"policyEvent":{"enforcementLevel":"mandatory","message":"S3-01"}}\n'
    )
    (tmp_path / "said").write_text(said)
    failing = engine(f"cat {tmp_path}/said; exit 1")

    with pytest.raises(EngineError, match="no quota") as caught:
        failing.up(tmp_path / "up.jsonl", "m")

    assert caught.value.urns == {"u::x"}
    assert (tmp_path / "up.jsonl").read_text() == said
    assert capsys.readouterr().err.splitlines() == ["update a:b:C x", "no quota", "S3-01"]


def test_a_plan_is_read_from_the_events(engine: Callable[[str], Engine], tmp_path: Path) -> None:
    quiet = engine("""echo '{"summaryEvent":{}}'; echo 'warning: using pulumi-resource-aws' >&2""")

    assert quiet.preview(tmp_path / "p.jsonl").steps == ()


def test_the_history_and_the_outputs_are_json(engine: Callable[[str], Engine]) -> None:
    assert engine("echo '[]'").history() == []
    assert engine("""echo '{"apiUrl": "x"}'""").outputs() == {"apiUrl": "x"}
