from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from localcloud import supervision
from localcloud.failure import LocalCloudError
from localcloud.supervision import EX_CONFIG, Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import CommandLine

    Eventually = Callable[..., bool]

# Runs until it is told, through a pipe, with which code to end.
OBEDIENT = """\
import sys
print("waiting", sys.argv[2:], flush=True)
with open(sys.argv[1]) as pipe:
    sys.exit(int(pipe.read()))
"""


class Obedient:
    """A supervised program that ends when, and as, the test says."""

    def __init__(self, directory: Path) -> None:
        self.pipe = directory / "a pipe with 100% spaces"
        os.mkfifo(self.pipe)
        script = directory / "obedient.py"
        script.write_text(OBEDIENT)
        self.program = Program(
            name="obedient",
            command=[sys.executable, str(script), str(self.pipe), "$HOME", '"quoted"'],
            environment={},
            stop_seconds=5,
        )

    def end(self, code: int) -> None:
        self.pipe.write_text(str(code))


@pytest.fixture
def obedient(supervisor: Path, tmp_path: Path) -> Obedient:
    del supervisor  # stopped after the program
    obedient = Obedient(tmp_path)
    supervision.start([obedient.program])
    supervision.start_process("obedient")
    return obedient


def only() -> supervision.ProcessState:
    [state] = supervision.states()
    return state


def runs_anew(former: int) -> bool:
    """Whether, at one moment, the process runs under another id than `former`."""
    now = only()
    return now.is_running and now.pid != former


@pytest.mark.usefixtures("supervisor")
def test_a_socket_directory_that_others_may_enter_is_refused() -> None:
    directory = supervision.runtime_directory()
    directory.mkdir()
    directory.chmod(0o777)

    with pytest.raises(LocalCloudError, match="not private") as caught:
        supervision.start([])

    assert str(directory) in caught.value.remedy
    assert not supervision.is_running()


def test_a_crash_is_repaired_but_what_needs_a_person_is_left_alone_and_said(
    obedient: Obedient, eventually: Eventually, command_line: CommandLine
) -> None:
    first = only().pid
    obedient.end(1)
    assert eventually(lambda: runs_anew(first))
    assert only().crashes == 1
    assert "crashed once" in " ".join(command_line.run("status").stdout.split())

    obedient.end(EX_CONFIG)
    assert eventually(lambda: only().state == "EXITED")
    status = command_line.run("status")

    assert status.returncode == 1
    assert "Not running: obedient." in status.stderr
    assert "python -m localcloud logs obedient" in status.stderr
    assert only().state == "EXITED"


def test_restart_brings_an_ended_process_back_and_replaces_a_running_one(
    obedient: Obedient, eventually: Eventually, command_line: CommandLine
) -> None:
    obedient.end(0)
    assert eventually(lambda: only().state == "EXITED")

    restarted = command_line.run("restart", "obedient")

    assert restarted.returncode == 0, restarted.stderr
    first = only()
    assert first.is_running

    supervision.restart("obedient")

    assert only().is_running
    assert only().pid != first.pid


def test_restart_where_nothing_runs_says_so(command_line: CommandLine) -> None:
    restarted = command_line.run("restart", "nobody")

    assert restarted.returncode == 2
    assert "no process named nobody" in restarted.stderr
    assert "running: none" in restarted.stderr


@pytest.mark.usefixtures("supervisor")
def test_a_process_without_a_log_has_an_empty_tail() -> None:
    assert supervision.tail("nobody", lines=3) == "(no log yet)"


@pytest.mark.usefixtures("supervisor")
def test_a_program_that_cannot_start_is_said_with_the_end_of_its_log(
    command_line: CommandLine,
) -> None:
    command = [sys.executable, "-c", "raise SystemExit('the door is locked')"]
    supervision.start([Program(name="bad", command=command, environment={}, stop_seconds=1)])

    with pytest.raises(LocalCloudError) as caught:
        supervision.start_process("bad")

    assert "the door is locked" in caught.value.why
    assert caught.value.remedy == "python -m localcloud logs bad"
    assert "the door is locked" in command_line.run("logs", "bad").stdout


def test_a_changed_program_replaces_the_one_that_runs(obedient: Obedient) -> None:
    changed = Program(
        name="obedient",
        command=[*obedient.program.command, "changed"],
        environment={"COLOUR": "50%"},
        stop_seconds=5,
    )

    supervision.start([changed])
    supervision.start_process("obedient")

    assert "changed" in supervision.tail("obedient", lines=1)


def test_a_program_runs_as_it_was_given_in_private_and_stop_leaves_nothing(
    obedient: Obedient, is_alive: Callable[[int], bool], command_line: CommandLine
) -> None:
    assert "['$HOME', '\"quoted\"']" in supervision.tail(obedient.program.name, lines=5)
    assert stat.S_IMODE(supervision.runtime_directory().stat().st_mode) == 0o700
    assert len(str(supervision.socket_path())) < 100
    pids = [only().pid, int((supervision.runtime_directory() / "supervisord.pid").read_text())]

    stopped = command_line.run("stop")

    assert stopped.returncode == 0, stopped.stderr
    assert not any(map(is_alive, pids))
    assert not supervision.socket_path().exists()
    assert supervision.states() == []


@pytest.mark.usefixtures("supervisor")
def test_stopping_what_does_not_run_is_no_error() -> None:
    supervision.stop()

    assert not supervision.is_running()
