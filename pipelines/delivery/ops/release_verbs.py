"""Verbs that deploy, look and go back."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import click

from delivery.ops import cloud
from delivery.ops.engine import Engine, EngineError
from delivery.ops.measures import release_metrics
from delivery.ops.observe import LOCAL, Patience, observe
from delivery.ops.release import (
    Approved,
    RefusedError,
    ReleaseFailedError,
    deploy,
    expecting,
    roll_back,
)
from delivery.ops.rollback import releases
from delivery.ops.steps import Plan, UnreadableError
from delivery.ops.verify import Check, Expected, Outcome, junit, overall

STACK = click.option(
    "--stack", required=True, type=click.Choice(["staging", "production", LOCAL]), envvar="STACK"
)
WORK = click.option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    default="build/deploy",
    show_default=True,
    help="Directory for plans, events and results.",
)
File = click.Path(exists=True, dir_okay=False, path_type=Path)
FAILURES = (EngineError, RefusedError, ReleaseFailedError, UnreadableError)


@click.command("deploy")
@STACK
@WORK
@click.option("--digest", required=True, help="Image to deploy; never a tag.")
@click.option("--release", required=True, help="Commit it was built from.")
@click.option("--expect", help="Hash of the approved steps; without it a person is asked.")
@click.option("--record", type=File, help="What Build wrote of the image (image.json).")
def deploy_verb(  # noqa: PLR0913, PLR0917 - one option each
    stack: str, work: Path, digest: str, release: str, expect: str | None, record: Path | None
) -> None:
    """Deploy exactly what was approved; after a failure the release before goes on serving."""
    work.mkdir(parents=True, exist_ok=True)
    approved = Approved(
        digest=digest,
        release=release,
        refuses=expecting(expect) if expect else _asked,
        record=json.loads(record.read_text()) if record else None,
    )
    try:
        deployed = deploy(_engine(stack), approved, cloud.registry(), work)
    except FAILURES as error:
        _end(f"Not deployed. {error}")
    (work / "deploy.json").write_text(json.dumps(deployed.document(), indent=2) + "\n")
    click.echo(f"Deployed {release} in {deployed.seconds:.0f} s. Next: verify.")


@click.command("verify")
@STACK
@click.option("--digest", help="Image that should run; what the stack says, unless given.")
@click.option("--release", help="Commit that should answer; what the stack says, unless given.")
@click.option("--minimum", default=1, type=click.IntRange(min=1), help="Tasks of each service.")
@click.option(
    "--patience",
    default=45.0,
    envvar="VERIFY_MINUTES",
    help="Minutes to wait for a deployment to end.",
)
@click.option(
    "--poll", default=15.0, envvar="VERIFY_POLL_SECONDS", help="Seconds between two looks."
)
@click.option("--junit", "report", type=click.Path(path_type=Path), help="Report to write.")
def verify_verb(  # noqa: PLR0913, PLR0917 - one option each
    stack: str,
    digest: str | None,
    release: str | None,
    minimum: int,
    patience: float,
    poll: float,
    report: Path | None,
) -> None:
    """Say whether the release is healthy: 0 yes, 1 no, 2 could not be determined."""
    started = time.monotonic()
    try:
        outputs = _engine(stack).outputs()
    except EngineError as error:
        click.echo(str(error), err=True)
        sys.exit(Outcome.UNDETERMINED)
    checks = _look(outputs, _expected(stack, outputs, digest, release, minimum), patience, poll)
    if report:
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(junit(checks, time.monotonic() - started))
    sys.exit(overall(checks))


@click.command("rollback")
@STACK
@WORK
@click.option("--to", "wanted", help="Image to go back to, instead of the newest other one.")
@click.option("--allow-infrastructure", is_flag=True, help="Although more would change.")
@click.option("--minimum", default=1, type=click.IntRange(min=1), help="Tasks of each service.")
@click.option(
    "--patience",
    default=45.0,
    envvar="VERIFY_MINUTES",
    help="Minutes to wait for the deployment to end.",
)
@click.option(
    "--poll", default=15.0, envvar="VERIFY_POLL_SECONDS", help="Seconds between two looks."
)
def rollback_verb(  # noqa: PLR0913, PLR0917 - one option each
    stack: str,
    work: Path,
    wanted: str | None,
    minimum: int,
    patience: float,
    poll: float,
    *,
    allow_infrastructure: bool,
) -> None:
    """Deploy the image before again, and verify it."""
    work.mkdir(parents=True, exist_ok=True)
    engine = _engine(stack)
    try:
        current = next(releases(engine.history()), ("", ""))[0]
        digest, release = roll_back(
            engine, current, wanted or None, work, infrastructure=allow_infrastructure
        )
        outputs = engine.outputs()
    except FAILURES as error:
        _end(f"Not rolled back. {error}")
    click.echo(f"Back to {release} ({digest}).")
    expected = _expected(stack, outputs, digest, release, minimum)
    sys.exit(overall(_look(outputs, expected, patience, poll)))


@click.command("measure")
@STACK
@click.option("--committed-at", required=True, help="Author date of the commit, ISO 8601.")
@click.option("--healthy/--failed", required=True, help="How the release ended.")
def measure_verb(stack: str, committed_at: str, *, healthy: bool) -> None:
    """Count the release and its lead time as metrics."""
    try:
        metrics = release_metrics(stack, committed_at, datetime.now(UTC), healthy=healthy)
    except ValueError as error:
        click.echo(f"--committed-at: {error}", err=True)
        sys.exit(Outcome.UNDETERMINED)
    if refused := cloud.publish(metrics):
        _end(f"The metrics could not be sent: {refused}")
    click.echo(", ".join(f"{each['MetricName']} {each['Value']:.0f}" for each in metrics))


def _asked(plan: Plan) -> str:
    """By hand: every step is shown, and only a yes deploys them."""
    for each in plan.steps:
        click.echo(f"{each.operation} {each.name}")
    agreed = click.confirm(f"Deploy these {len(plan.steps)} steps?", default=False)
    return "" if agreed else "nobody agreed to these steps"


def _engine(stack: str) -> Engine:
    return Engine(stack=stack, directory=Path())


def _expected(
    stack: str, outputs: dict[str, Any], digest: str | None, release: str | None, minimum: int
) -> Expected:
    return Expected(
        digest=digest or str(outputs.get("imageDigest")),
        release=release or str(outputs.get("release")),
        environment=stack,
        minimum_tasks=minimum,
    )


def _look(outputs: dict[str, Any], expected: Expected, minutes: float, poll: float) -> list[Check]:
    patience = Patience(
        deployment=minutes * 60,
        readiness=min(minutes, 5) * 60,
        pause=threading.Event().wait,
        poll=poll,
        ready_poll=min(poll, 5.0),
    )
    checks = observe(outputs, expected, cloud.observers(), patience)
    for check in checks:
        click.echo(f"{check.outcome.name.lower():12} {check.name}: {check.found}")
    return checks


def _end(words: str) -> NoReturn:
    click.echo(words, err=True)
    if os.environ.get("CODEBUILD_BUILD_ID") is None:
        click.echo("docs/DELIVERY.md says what each stage leaves behind.", err=True)
    sys.exit(1)


VERBS = (deploy_verb, verify_verb, rollback_verb, measure_verb)
