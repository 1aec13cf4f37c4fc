"""Verbs of delivery. Exit codes: 0 good, 1 not good, 2 unusable input or nothing found out."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml

from delivery.ops import release_verbs, supply_verbs
from delivery.ops.cloud import store_secret
from delivery.ops.gate import judge_image, read_exceptions, read_findings
from delivery.ops.rollback import NoTargetError, find_target, refuse_infrastructure
from delivery.ops.secrets import KINDS, RefusedError, seal
from delivery.ops.steps import Plan, UnreadableError, read_plan
from delivery.ops.summary import summarise as summary_of

UNUSABLE = 2
File = click.Path(exists=True, dir_okay=False, path_type=Path)


class UnusableError(click.ClickException):
    """What was given cannot be worked with; the message says why."""

    exit_code = UNUSABLE


@click.group(help=__doc__)
def cli() -> None:
    """Group of the verbs."""


@cli.command("steps-hash")
@click.argument("events", type=File)
@click.option("--expect", help="Fail unless the hash is this one.")
def steps_hash(events: Path, expect: str | None) -> None:
    """Print one hash over every step of the preview whose EVENTS are in the file."""
    found = _plan(events).hash
    click.echo(found)
    if expect is not None and found != expect:
        click.echo(f"What was approved ({expect}) is not what would happen ({found}).", err=True)
        sys.exit(1)


@cli.command()
@click.argument("events", type=File)
@click.argument("evidence", type=File)
@click.option("--digest", required=True, help="The image that would run.")
def summarise(events: Path, evidence: Path, digest: str) -> None:
    """Print what a person approves: the steps in EVENTS, the verdicts in EVIDENCE."""
    header = _json(evidence).get("header", {})
    if "counts" not in header:
        raise UnusableError(f"{evidence} is no evidence of a preview")
    click.echo(summary_of(_plan(events), header["counts"], digest))


@cli.command()
@click.argument("scan", type=File)
@click.option("--exceptions", type=File, default="pipelines/scan-exceptions.yaml")
@click.option("--high-allowed", type=click.IntRange(min=0), default=0, help="HIGH findings.")
def gate(scan: Path, exceptions: Path, high_allowed: int) -> None:
    """Decide whether the image with the SCAN, as ECR describes it, may be deployed."""
    today = datetime.now(UTC).date()
    try:
        accepted = read_exceptions(yaml.safe_load(exceptions.read_text()), today)
    except (TypeError, ValueError, yaml.YAMLError) as error:
        raise UnusableError(str(error)) from None
    status, findings = read_findings(_json(scan))
    result = judge_image(status, findings, accepted, high_allowed=high_allowed, today=today)
    click.echo(json.dumps({"critical": result.critical, "high": result.high}))
    for problem in result.problems:
        click.echo(problem, err=True)
    sys.exit(1 if result.problems else 0)


@cli.command("rollback-target")
@click.argument("history", type=File)
@click.option("--current", required=True, help="Digest that is configured now.")
@click.option("--to", "wanted", help="Digest to go back to, instead of the newest other one.")
def rollback_target(history: Path, current: str, wanted: str | None) -> None:
    """Print digest and release to go back to, from the HISTORY of the stack as JSON."""
    try:
        digest, release = find_target(_json(history), current, wanted)
    except NoTargetError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    click.echo(json.dumps({"digest": digest, "release": release}))


@cli.command("release-only")
@click.argument("events", type=File)
def release_only(events: Path) -> None:
    """Fail when the preview in EVENTS would change more than the release."""
    others = refuse_infrastructure(_plan(events))
    for other in others:
        click.echo(f"would {other}", err=True)
    sys.exit(1 if others else 0)


@cli.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--stack", "environment", required=True, type=click.Choice(["staging", "production"]))
def secrets(kind: str, environment: str) -> None:
    """Store the credentials of KIND, read as JSON from standard input and nowhere else."""
    text = click.prompt("JSON", hide_input=True) if sys.stdin.isatty() else sys.stdin.read()
    try:
        sealed = seal(kind, text, environment)
    except RefusedError as error:
        raise UnusableError(str(error)) from None
    version = store_secret(sealed)
    click.echo(f"{sealed.secret}: version {version}, value {sealed.fingerprint}…")
    click.echo("Tasks read it when they start: deploy the current release again.")


@cli.command()
@click.argument("file", type=File)
@click.argument("key")
def field(file: Path, key: str) -> None:
    """Print one field of a JSON FILE, for the shell."""
    document = _json(file)
    if key not in document:
        raise UnusableError(f"{file} has no {key}")
    click.echo(document[key])


for verb in (*release_verbs.VERBS, *supply_verbs.VERBS):
    cli.add_command(verb)


def _plan(events: Path) -> Plan:
    try:
        return read_plan(events.read_text().splitlines())
    except UnreadableError as error:
        raise UnusableError(f"{events}: {error}") from None


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except ValueError:
        raise UnusableError(f"{file} is not JSON") from None


if __name__ == "__main__":
    cli()
