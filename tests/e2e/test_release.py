"""A release on this machine under load, and one that goes back: every stage, up to named seams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.emulator]

SECONDS = 900


def localcloud(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "localcloud", *arguments],
        env=os.environ | {"LOCALCLOUD_STATE": str(state)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What `make release STACK=local` found; it is run once for this module."""
    state = tmp_path_factory.mktemp("release")
    try:
        done = localcloud(state, "release", "local", "--yes")
        report = state / "rehearsal" / "report.json"
        assert report.exists(), done.stdout + done.stderr
        yield json.loads(report.read_text()) | {
            "code": done.returncode,
            "said": done.stdout + done.stderr,
            "evidence": state / "rehearsal" / "evidence",
        }
    finally:
        localcloud(state, "down", "--wipe")


def test_a_good_release_comes_to_its_end(rehearsed: dict[str, Any]) -> None:
    assert rehearsed["code"] == 0, rehearsed["said"]
    assert rehearsed["good"]["stopped_at"] is None
    assert list(rehearsed["good"]["stages"]) == [
        "Test",
        "Build",
        "Preview",
        "Approve",
        "Deploy",
        "Verify",
    ]
    assert rehearsed["good"]["result"] == "healthy"


def test_no_request_fails_while_the_release_changes(rehearsed: dict[str, Any]) -> None:
    assert rehearsed["load"]["requests"] >= 2_000
    assert rehearsed["load"]["failed"] == 0


def test_a_release_that_is_not_what_it_should_be_goes_back(rehearsed: dict[str, Any]) -> None:
    bad = rehearsed["bad"]

    assert (bad["stopped_at"], bad["result"]) == ("Verify", "rolled-back")
    assert rehearsed["serves"] == rehearsed["good"]["digest"] != bad["digest"]


def test_the_person_sees_what_would_change(rehearsed: dict[str, Any]) -> None:
    assert "digest" in rehearsed["good"]["summary"]
    assert rehearsed["good"]["summary"] in rehearsed["said"]


def test_what_stands_for_something_else_says_so(rehearsed: dict[str, Any]) -> None:
    build = rehearsed["good"]["calls"]["Build"]

    assert any(call.startswith("docker buildx build") for call in build)
    assert any(call.startswith("docker push") for call in build)


def test_evidence_of_every_stage_is_kept(rehearsed: dict[str, Any]) -> None:
    (image,) = list(rehearsed["evidence"].glob(f"sbom/{rehearsed['good']['commit']}"))
    kept = {path.name for path in image.iterdir()}

    assert {"image.json", "sbom.json", "provenance.json", "scan.json"} <= kept
    record = json.loads((image / "image.json").read_text())
    assert record["digest"] == rehearsed["good"]["digest"]
    assert list(rehearsed["evidence"].glob("preview/*/evidence.json"))
    assert list(rehearsed["evidence"].glob("deploy/*/deploy.json"))
