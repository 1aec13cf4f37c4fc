from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from localcloud import stack as stacks
from localcloud.failure import LocalCloudError
from localcloud.stack import (
    PIPELINES,
    PLATFORM,
    PROJECT,
    Stack,
    engine_failure,
    preview_stack,
    programs_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import CommandLine

pytestmark = pytest.mark.engine


@pytest.fixture
def stack(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Stack `staging` as `python -m localcloud preview staging` of this test has it."""
    monkeypatch.setattr(stacks, "EVIDENCE", command_line.state / "evidence")
    directory = command_line.state / "preview" / "staging"
    return Stack(name="staging", packs=(), directory=directory, stand_ins=True)


@pytest.fixture
def lock(stack: Stack) -> Path:
    return lock_of(stack)


@pytest.fixture
def local_cloud(command_line: CommandLine) -> Stack:
    """Stack `local` as the command line of this test has it, prepared and never deployed."""
    directory = command_line.state / "local"
    directory.mkdir(parents=True)
    stack = Stack(name="local", packs=(), directory=directory, stand_ins=True)
    stack.prepare({})
    return stack


def lock_of(stack: Stack) -> Path:
    """The lock a killed engine left: a file of a random name beside the state."""
    stack.prepare({})
    locks = stack.directory / "state" / ".pulumi" / "locks"
    path = locks / "organization" / PROJECT / stack.name / f"{uuid.uuid4()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        '{"pid": 1, "username": "x", "hostname": "y", "timestamp": "2026-01-31T08:00:00Z"}'
    )
    return path


def test_a_locked_state_names_the_command_that_unlocks_it(stack: Stack, lock: Path) -> None:
    failures = stack.destroy()

    error = engine_failure("pulumi destroy", failures[0].what)
    assert lock.exists()
    assert "currently locked" in error.why
    assert "python -m localcloud unlock" in error.remedy


def test_unlocking_removes_the_lock(stack: Stack, lock: Path) -> None:
    assert stack.is_locked()

    stack.unlock()

    assert not lock.exists()
    assert not stack.is_locked()
    assert stack.destroy() == []


def test_where_nothing_is_locked_unlock_says_so(command_line: CommandLine) -> None:
    unlocked = command_line.run("unlock")

    assert unlocked.returncode == 0, unlocked.stderr
    assert "Stack local is not locked." in unlocked.stdout


def test_a_first_deployment_that_was_cut_off_starts_over(
    local_cloud: Stack, command_line: CommandLine
) -> None:
    lock_of(local_cloud)

    unlocked = command_line.run("unlock")

    assert unlocked.returncode == 0, unlocked.stderr
    assert "Its first deployment was cut off" in unlocked.stdout
    assert not local_cloud.directory.exists()


def test_a_later_deployment_that_was_cut_off_keeps_its_state(
    local_cloud: Stack, command_line: CommandLine
) -> None:
    lock = lock_of(local_cloud)
    (local_cloud.directory / "deployed-to.pid").write_text("1")

    unlocked = command_line.run("unlock")

    assert unlocked.returncode == 0, unlocked.stderr
    assert "cut off" not in unlocked.stdout
    assert not lock.exists()
    assert local_cloud.directory.exists()


def test_a_wrong_passphrase_is_said_with_a_remedy(stack: Stack, command_line: CommandLine) -> None:
    stack.prepare({})
    (stack.directory / "passphrase").write_text("not the one")

    preview = command_line.run("preview", "staging")

    assert preview.returncode == 1
    assert "incorrect passphrase" in preview.stdout + preview.stderr
    assert "do:  restore the passphrase file" in preview.stderr
    assert "build/preview" in preview.stderr  # `down --wipe` removes stack local only
    assert "Traceback" not in preview.stderr + preview.stdout


def test_preparing_twice_keeps_state_and_settings(stack: Stack) -> None:
    stack.prepare({"budgetbuddy:release": "a"})
    first = stack.config_file.read_text()

    stack.prepare({"budgetbuddy:release": "a"})

    assert stack.config_file.read_text() == first
    assert stack.resources() == []


def test_encryption_of_the_original_stack_file_is_not_copied(stack: Stack, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    (checkout / "Pulumi.staging.yaml").write_text(
        "secretsprovider: awskms://alias/x\nencryptedkey: abc\nconfig:\n  budgetbuddy:a: b\n"
        "  budgetbuddy:originVerify:\n    secure: v1:DDDD:EEEE\n"
        "encryptionsalt: v1:AAAA:v1:BBBB:CCCC\n"
    )
    stack = replace(stack, checkout=checkout)

    stack.prepare({"budgetbuddy:release": "a"})

    lines = stack.config_file.read_text().splitlines()
    assert sum("encryptionsalt:" in line for line in lines) == 1
    assert not {"secretsprovider", "encryptedkey"} & {line.partition(":")[0] for line in lines}
    copy = stack.config_file.read_text()
    assert "v1:AAAA" not in copy
    assert "v1:DDDD" not in copy
    assert copy.count("budgetbuddy:originVerify") == copy.count("secure:") == 1
    assert "  budgetbuddy:a: b" in lines


def test_an_unknown_stack_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    stack = Stack(name="nowhere", packs=(), directory=tmp_path / "x", stand_ins=True)

    with pytest.raises(LocalCloudError, match="no stack named nowhere") as caught:
        stack.prepare({})

    assert caught.value.exit_code == 2
    assert not (tmp_path / "x").exists()


def test_a_failure_nobody_knows_is_told_in_the_engines_own_words() -> None:
    error = engine_failure("pulumi up", "first\n\nerror: the disk is full\n")

    assert error.what == "pulumi up failed."
    assert error.why == "first\nerror: the disk is full"
    assert error.remedy


def test_a_stack_belongs_to_every_project_that_has_a_file_for_it() -> None:
    assert programs_of("staging") == programs_of("production") == [PLATFORM, PIPELINES]
    assert programs_of("local") == programs_of("nowhere") == [PLATFORM]


def test_two_projects_of_one_stack_share_neither_state_nor_evidence() -> None:
    platform, pipelines = (preview_stack("staging", each) for each in (PLATFORM, PIPELINES))

    assert platform.directory != pipelines.directory
    assert platform.evidence != pipelines.evidence
    assert pipelines.source / "Pulumi.yaml" in pipelines.source.iterdir()
