"""Verbs of the supply chain: what an image is made of, where it came from, who may use it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click
import yaml

from delivery.ops import cloud
from delivery.ops.gate import is_digest
from delivery.ops.leaks import find_secrets, judge_leaks, source_files
from delivery.ops.licences import PolicyError, judge_licences, read_policy, stated_licences
from delivery.ops.materials import (
    IMAGE_ENVIRONMENT,
    MaterialError,
    Package,
    base_image,
    debian_packages,
    locked_packages,
)
from delivery.ops.provenance import ImageBuild, provenance
from delivery.ops.sbom import image_bill, repository_bill

File = click.Path(exists=True, dir_okay=False, path_type=Path)
Target = click.Path(dir_okay=False, path_type=Path)
REQUIREMENTS = Path("service/requirements.txt")
BASE = Path("service/base-image.txt")
# Every lock of the repository; the first is what is shipped.
LOCKS = (
    REQUIREMENTS,
    Path("requirements/development.txt"),
    Path("requirements/bootstrap.txt"),
    Path("local/localcloud/emulator/requirements.txt"),
)
SCAN_MINUTES = 15.0


@click.command("base-image")
def base_image_verb() -> None:
    """Print the base image, refused unless it is pinned by digest."""
    try:
        click.echo(base_image(BASE.read_text()))
    except MaterialError as error:
        _refuse(f"{BASE}: {error}")


@click.command("secret-scan")
@click.option("--exceptions", type=File, default="pipelines/secret-exceptions.yaml")
def secret_scan_verb(exceptions: Path) -> None:
    """Fail when a file of the repository holds what looks like a credential."""
    document = yaml.safe_load(exceptions.read_text())
    try:
        judge_leaks((), document)  # before the scan, which takes a while
        problems = judge_leaks(find_secrets(source_files(Path())), document)
    except ValueError as error:
        _refuse(f"{exceptions}: {error}")
    for each in problems:
        click.echo(each, err=True)
    click.echo(f"{len(problems)} secrets found")
    sys.exit(1 if problems else 0)


@click.command("licences")
@click.option("--policy", type=File, default="pipelines/licences.yaml")
def licences_verb(policy: Path) -> None:
    """Fail when a package is under a licence the policy does not allow."""
    try:
        rules = read_policy(yaml.safe_load(policy.read_text()))
    except PolicyError as error:
        _refuse(f"{policy}: {error}")
    shipped, tools = _locked()
    stated = stated_licences([*shipped, *tools])
    problems = judge_licences(stated, rules, shipped=frozenset(each.name for each in shipped))
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"{len(stated)} packages, {len(problems)} problems")
    sys.exit(1 if problems else 0)


@click.command("sbom")
@click.option("--image", help="Name of the image; the repository's own bill without it.")
@click.option("--version", required=True, help="Tag of the image, or commit.")
@click.option("--dpkg-status", type=File, help="/var/lib/dpkg/status of the image.")
@click.option("--out", type=Target, required=True)
def sbom_verb(image: str | None, version: str, dpkg_status: Path | None, out: Path) -> None:
    """Write a bill of materials in CycloneDX."""
    if image is None:
        text = repository_bill("budgetbuddy-platform", version, *_locked())
    else:
        python = locked_packages(REQUIREMENTS.read_text(), IMAGE_ENVIRONMENT)
        system = debian_packages(dpkg_status.read_text()) if dpkg_status else []
        text = image_bill(image, version, base_image(BASE.read_text()), [*python, *system])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n")
    click.echo(f"{len(json.loads(text)['components'])} components in {out}")


@click.command("find-image")
@click.option("--tag", required=True, help="Tag of the image of this commit.")
@click.option("--requested", default="none", help="Digest that was asked for instead.")
@click.option("--absent-ok", is_flag=True, help="Print nothing where there is no image yet.")
def find_image_verb(tag: str, requested: str, *, absent_ok: bool) -> None:
    """Print the digest of an image in the approved repository."""
    registry = cloud.registry()
    if requested != "none":
        if not is_digest(requested):
            _refuse(f"{requested} is no image digest: sha256: and 64 hex digits")
        if not registry.holds(requested):
            _refuse(f"{requested} is not in the approved repository")
        click.echo(requested)
        return
    digest = registry.digest_of(tag)
    if digest is None and not absent_ok:
        _refuse(f"no image is tagged {tag} in the approved repository")
    click.echo(digest or "")


@click.command("await-scan")
@click.argument("digest")
@click.option("--out", type=Target, required=True)
@click.option("--minutes", default=SCAN_MINUTES, show_default=True)
def await_scan_verb(digest: str, out: Path, minutes: float) -> None:
    """Write the findings of the scan of DIGEST, once it is over or time is up."""
    answer = cloud.registry().scan(digest, minutes * 60, threading.Event().wait)
    out.write_text(json.dumps(answer, default=str, indent=1) + "\n")
    click.echo(f"scan: {answer.get('imageScanStatus', {}).get('status', 'MISSING')}")


@click.command("record-image")
@click.option("--repository", required=True)
@click.option("--tag", required=True)
@click.option("--digest", required=True)
@click.option("--commit", required=True)
@click.option("--source", required=True, help="Where the commit lies.")
@click.option("--work", type=click.Path(file_okay=False, path_type=Path), default="build/image")
def record_image_verb(  # noqa: PLR0913, PLR0917 - one option each
    repository: str, tag: str, digest: str, commit: str, source: str, work: Path
) -> None:
    """Write image.json and, where the image was built in this run, its provenance."""
    bill = work / "sbom.json"
    bill_sha256 = _sha256(bill) if bill.exists() else ""
    record = {
        "repository": repository,
        "tag": tag,
        "digest": digest,
        "commit": commit,
        "sbom_sha256": bill_sha256,
        "gate": json.loads((work / "gate.json").read_text()),
    }
    (work / "image.json").write_text(json.dumps(record, indent=2) + "\n")
    if bill_sha256:
        build = ImageBuild(
            repository=repository,
            digest=digest,
            source=source,
            commit=commit,
            base=base_image(BASE.read_text()),
            requirements_sha256=_sha256(REQUIREMENTS),
            bill_sha256=bill_sha256,
            builder=os.environ.get("CODEBUILD_PROJECT_ARN", "local"),
            invocation=os.environ.get("CODEBUILD_BUILD_ARN", "local"),
            started=_started(),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        statement = json.dumps(provenance(build), indent=2)
        (work / "provenance.json").write_text(statement + "\n")


def _started() -> str:
    """CodeBuild gives milliseconds since 1970."""
    millis = os.environ.get("CODEBUILD_START_TIME")
    moment = datetime.fromtimestamp(int(millis) / 1000, UTC) if millis else datetime.now(UTC)
    return moment.isoformat(timespec="seconds")


def _locked() -> tuple[list[Package], list[Package]]:
    shipped = locked_packages(REQUIREMENTS.read_text(), IMAGE_ENVIRONMENT)
    tools = [each for lock in LOCKS[1:] for each in locked_packages(lock.read_text())]
    return shipped, tools


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _refuse(words: str) -> NoReturn:
    click.echo(words, err=True)
    sys.exit(1)


VERBS = (
    base_image_verb,
    secret_scan_verb,
    licences_verb,
    sbom_verb,
    find_image_verb,
    await_scan_verb,
    record_image_verb,
)
