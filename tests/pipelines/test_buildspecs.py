"""Each build specification is run, in a checkout of its own, up to named seams."""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from localcloud.engine.environment import Backend, engine_environment
from localcloud.rehearsal.buildspec import Build, Runner, SpecificationError, load
from localcloud.rehearsal.seams import absent

ROOT = Path(__file__).parents[2]
SPECIFICATIONS = ROOT / "pipelines" / "buildspecs"
DIGEST = "sha256:" + "a" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PREVIEW = {
    "STACK": "staging",
    "IMAGE_DIGEST": DIGEST,
    "COMMIT": COMMIT,
    "EVIDENCE_BUCKET": "budgetbuddy-evidence",
}
NOTHING = "exit 0"
# The plugins are the stand-ins, and the engine is there already.
PULUMI = 'case "$1" in plugin) exit 0;; esac; exec "$REAL_PULUMI" "$@"'
# A stack is made once, by a person, with the secret it needs; here just before it is selected.
INITIALISE = (
    'case "$1 $2" in "stack select") '
    '"$REAL_PULUMI" stack init "$3" --secrets-provider passphrase >/dev/null 2>&1; '
    "printf %064d 0 | "
    '"$REAL_PULUMI" config set --secret budgetbuddy:originVerify --stack "$3" || exit 1;; esac; '
)
Preview = Callable[..., Build]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The source as the pipeline hands it on: tracked files, no history."""
    directory = tmp_path / "src"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("platform", "pipelines", "policies", "service"):
        shutil.copytree(ROOT / name, directory / name, ignore=ignore)
    for file in (*ROOT.glob("Pulumi*.yaml"), ROOT / "Makefile"):
        shutil.copy(file, directory)
    return directory


def errors(checkout: Path) -> str:
    """What the engine said went wrong."""
    events = map(json.loads, (checkout / "build/preview/events.jsonl").read_text().splitlines())
    said = (event.get("diagnosticEvent", {}) for event in events)
    return "".join(each["message"] for each in said if each.get("severity") == "error")


@pytest.fixture
def preview(checkout: Path, tmp_path: Path) -> Preview:
    """Runs `preview.yml` on the real engine; the state lies in a directory, AWS is a seam."""
    backend = Backend(directory=tmp_path / "state", passphrase_file=tmp_path / "passphrase")
    backend.prepare()
    base = engine_environment(backend, stand_ins=True)
    python = Path(sys.executable).parent
    engine = shutil.which("pulumi", path=base["PATH"])
    environment = {
        **base,
        "PATH": f"{python}:{base['PATH']}",
        "REAL_PULUMI": str(engine),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }

    def run(changes: Mapping[str, str] | None = None, **seams: str) -> Build:
        runner = Runner(
            checkout=checkout,
            environment=environment,
            seams={"make": NOTHING, "aws": NOTHING, "pulumi": INITIALISE + PULUMI, **seams},
        )
        variables = {**PREVIEW, "STATE_URL": backend.directory.as_uri(), **(changes or {})}
        return runner.run(checkout / "pipelines" / "buildspecs" / "preview.yml", variables)

    return run


@pytest.mark.parametrize("file", sorted(SPECIFICATIONS.glob("*.yml")), ids=lambda f: f.stem)
def test_a_specification_holds_only_what_codebuild_knows(file: Path) -> None:
    assert load(file)["phases"]


def test_no_specification_names_a_secret_or_a_moving_tag() -> None:
    for file in SPECIFICATIONS.glob("*.yml"):
        text = file.read_text()
        assert ":latest" not in text
        assert "secrets-manager" not in text
        assert "parameter-store" not in text


def test_the_tests_stop_at_the_first_step_that_fails(checkout: Path) -> None:
    refuse = absent("make", '[ "$1" != lint ] || exit 3')
    runner = Runner(checkout=checkout, environment=dict(os.environ), seams={"make": refuse})

    build = runner.run(SPECIFICATIONS / "test.yml", {})

    assert build.failed == "pre_build"
    assert build.calls == ["make setup", "make lint types supply"]
    assert "seam: make is not run here" in build.log


@pytest.mark.engine
def test_a_preview_hands_on_its_summary_hash_and_evidence(preview: Preview) -> None:
    build = preview()

    assert build.failed is None, build.log
    assert build.phases == ["install", "pre_build", "build", "post_build"]
    assert build.exported["SUMMARY"].startswith("create ")
    assert "digest aaaaaaaaaaaa" in build.exported["SUMMARY"]
    assert re.search(r"PASS \d{3,}, FAIL 0, UNKNOWN \d+, WAIVED \d", build.exported["SUMMARY"])
    assert len(build.exported["STEPS_HASH"]) == 64
    assert build.exported["EVIDENCE_URL"].endswith(f"preview/{COMMIT}/")
    assert {"events.jsonl", "verdicts.jsonl", "evidence.json", "index.html"} <= set(build.artifacts)
    (upload,) = [call for call in build.calls if call.startswith("aws ")]
    assert upload.endswith(f"s3://budgetbuddy-evidence/preview/{COMMIT}/")


@pytest.mark.engine
def test_a_violation_ends_the_release_and_leaves_its_evidence(
    preview: Preview, checkout: Path
) -> None:
    file = checkout / "platform" / "infra" / "bucket.py"
    text = file.read_text()
    assert "block_public_acls=True" in text
    file.write_text(text.replace("block_public_acls=True", "block_public_acls=False"))

    build = preview()

    assert build.failed == "build"
    assert "post_build" in build.phases
    assert build.exported["STEPS_HASH"] == ""
    assert build.exported["SUMMARY"] == ""
    assert any("s3 cp" in call for call in build.calls)


def test_evidence_that_cannot_be_kept_ends_the_release(preview: Preview) -> None:
    build = preview(aws="echo AccessDenied >&2; exit 1", pulumi=NOTHING)

    assert build.failed == "post_build"
    assert build.exported["SUMMARY"] == ""
    assert "AccessDenied" in build.log


@pytest.mark.engine
def test_an_image_that_is_no_digest_ends_before_anything_is_judged(
    preview: Preview, checkout: Path
) -> None:
    build = preview({"IMAGE_DIGEST": "api:latest"})

    assert build.failed == "build"
    assert "imageDigest" in errors(checkout)
    assert build.exported["SUMMARY"] == ""


def test_a_state_that_cannot_be_reached_ends_before_the_preview(preview: Preview) -> None:
    build = preview(pulumi='[ "$1" != login ] || exit 1; ')

    assert build.failed == "pre_build"
    assert build.phases == ["install", "pre_build"]


@pytest.mark.parametrize(
    "text",
    [
        "version: 0.1\nphases: {}",
        "version: 0.2\nphases: {bild: {}}",
        "version: 0.2\nphases: {build: {commands: [{a: 1}]}}",
        "version: 0.2\nphases: {build: {commands: [a]}}\nartefacts: {}",
        "version: 0.2\nphases: [",
        "nothing",
    ],
)
def test_a_broken_specification_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.yml"
    file.write_text(text)

    with pytest.raises(SpecificationError):
        load(file)


def test_the_runner_keeps_one_shell_and_runs_finally(tmp_path: Path) -> None:
    """As CodeBuild documents it."""
    file = tmp_path / "b.yml"
    spec = {
        "version": 0.2,
        "env": {"variables": {"A": "1"}, "exported-variables": ["B", "C", "D"]},
        "phases": {
            "install": {"commands": ["export B=$A"]},
            "build": {"commands": ["false", "export C=never"], "finally": ["export C=always"]},
            "post_build": {"commands": ["export D=$CODEBUILD_BUILD_SUCCEEDING"]},
        },
    }
    file.write_text(yaml.safe_dump(spec))

    build = Runner(checkout=tmp_path, environment=dict(os.environ)).run(file, {})

    assert build.exported == {"B": "1", "C": "always", "D": "0"}
    assert build.failed == "build"
