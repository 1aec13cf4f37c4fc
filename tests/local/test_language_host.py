from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Eventually = Callable[..., bool]

HOST = [sys.executable, "-P", "-m", "localcloud.engine.language_host"]

# Stands for a program that runs until somebody stops it, and says when it has begun.
ENDLESS = """\
import os, pathlib, signal
pathlib.Path("pid").write_text(str(os.getpid()))
pathlib.Path("pid").rename("started")
signal.pause()
"""


class Host:
    """A language host of its own process, as the engine has it."""

    def __init__(self, exec_script: Path) -> None:
        self.process = subprocess.Popen(
            [*HOST, "--exec-script", str(exec_script), "127.0.0.1:1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def end(self, number: signal.Signals) -> tuple[int, bytes]:
        """Exit code and stderr after signal `number`."""
        self.process.send_signal(number)
        _, stderr = self.process.communicate(timeout=3)
        return self.process.returncode, stderr


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    exec_script = tmp_path / "exec.py"
    exec_script.write_text(ENDLESS)
    host = Host(exec_script)
    yield host
    host.channel.close()
    if host.process.poll() is None:
        host.process.kill()
    host.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_at_once(host: Host, number: signal.Signals) -> None:
    assert host.end(number) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_with_the_program_it_runs(
    host: Host,
    tmp_path: Path,
    eventually: Eventually,
    is_alive: Callable[[int], bool],
    number: signal.Signals,
) -> None:
    program = start(host, tmp_path, eventually)

    assert host.end(number) == (0, b"")
    assert eventually(lambda: not is_alive(program))


def test_cancel_stops_the_program_and_keeps_the_host(
    host: Host, tmp_path: Path, eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    program = start(host, tmp_path, eventually)

    host.stub.Cancel(empty_pb2.Empty(), timeout=5)

    assert eventually(lambda: not is_alive(program))
    assert host.stub.About(language_pb2.AboutRequest(), timeout=5).executable == sys.executable


def test_it_does_not_outlive_an_engine_that_was_killed(
    tmp_path: Path, eventually: Eventually, is_alive: Callable[[int], bool]
) -> None:
    script = tmp_path / "exec.py"
    script.touch()
    engine = subprocess.Popen(
        ["sh", "-c", '"$@" & echo $!; wait', "sh", *HOST, "--exec-script", str(script)],
        stdout=subprocess.PIPE,
    )
    assert engine.stdout is not None
    host = int(engine.stdout.readline())
    int(engine.stdout.readline())  # the port: it serves

    engine.kill()
    engine.wait(5)
    engine.stdout.close()  # not read to its end: what outlives the engine holds it open

    assert eventually(lambda: not is_alive(host), 5)


def test_a_plugin_streams_both_outputs_and_then_its_code(host: Host, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(
        "import os, sys\n"
        "print(sys.argv[1], os.environ['COLOUR'])\n"
        "print('careful', file=sys.stderr)\n"
        "sys.exit(3)\n"
    )
    request = language_pb2.RunPluginRequest(
        kind="resource",
        program=str(plugin),
        pwd=str(tmp_path),
        args=["one"],
        env=["COLOUR=a=b"],
        info=language_pb2.ProgramInfo(program_directory=str(plugin)),
    )

    answers = list(host.stub.RunPlugin(request, timeout=20))

    assert b"".join(answer.stdout for answer in answers) == b"one a=b\n"
    assert b"".join(answer.stderr for answer in answers) == b"careful\n"
    assert answers[-1].exitcode == 3


def test_the_packages_of_this_interpreter_are_reported(host: Host) -> None:
    answer = host.stub.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest())

    assert "pulumi" in {dependency.name for dependency in answer.dependencies}


def start(host: Host, directory: Path, eventually: Eventually) -> int:
    """Have the host run the endless program; returns its process id once it has begun."""

    def run() -> None:
        with contextlib.suppress(grpc.RpcError):  # the host ends before the program answers
            host.stub.Run(language_pb2.RunRequest(pwd=str(directory), program="."))

    threading.Thread(target=run, daemon=True).start()
    assert eventually((directory / "started").exists)
    pid = int((directory / "started").read_text())
    assert pid != os.getpid()
    return pid
