"""The Python language host of the Pulumi engine: starts programs and policy packs.

The engine runs it as `pulumi-language-python <engine address>` and speaks `LanguageRuntime` (gRPC)
with it. Pulumi's own host is a Go program in a module that is not published on its own; this one
serves where only the CLI could be built. It prints its port first and ends at once on SIGINT or
SIGTERM, and soon after the engine when that was killed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import queue
import signal
import subprocess
import sys
import threading
from concurrent import futures
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

# The exec script's exit code for "the user has already been told what is wrong".
EXIT_ERROR_SHOWN = 32

# How soon the host notices that the engine was killed and can no longer stop it.
ORPHAN_SECONDS = 1.0


class _Line(NamedTuple):
    is_error: bool
    data: bytes


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs programs with this interpreter; a child process dies with its call or with the host."""

    def __init__(self, engine_address: str, exec_script: Path) -> None:
        self._engine_address = engine_address
        self._exec_script = exec_script
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def Handshake(  # noqa: N802 - the protocol's spelling
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Learn the engine's address, which wins over the one on the command line."""
        del context
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetRequiredPackages(  # noqa: N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """No package is announced: the provider executables on PATH are what there is."""
        del request, context
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(  # noqa: N802
        self, request: language_pb2.GetRequiredPluginsRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """As `GetRequiredPackages`, for engines that ask the older question."""
        del request, context
        return language_pb2.GetRequiredPluginsResponse()

    def GetPluginInfo(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        """The version of the Pulumi SDK this host runs programs with."""
        del request, context
        return plugin_pb2.PluginInfo(version=importlib.metadata.version("pulumi"))

    def About(  # noqa: N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        """Interpreter and version, for `pulumi about`."""
        del request, context
        return language_pb2.AboutResponse(
            executable=sys.executable, version=platform.python_version()
        )

    def InstallDependencies(  # noqa: N802
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        """Nothing to install: `make setup` filled this interpreter's environment."""
        del request, context
        yield language_pb2.InstallDependenciesResponse(
            stdout=b"Dependencies come from requirements/development.txt by `make setup`.\n"
        )

    def GetProgramDependencies(  # noqa: N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """Every distribution installed for this interpreter, sorted by name."""
        del request, context
        installed = sorted(
            (distribution.name, distribution.version)
            for distribution in importlib.metadata.distributions()
        )
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in installed
            ]
        )

    def Run(  # noqa: N802
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        """Run a program to its end. A program that failed after saying why sets `bail`."""
        environment = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        child = self._start(self._exec_command(request), environment, request.pwd)
        context.add_callback(lambda: _kill(child))
        code = self._wait(child)
        if code == 0:
            return language_pb2.RunResponse()
        if code == EXIT_ERROR_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"program exited with code {code}")

    def RunPlugin(  # noqa: N802
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        """Run a plugin written in Python, streaming what it prints; its exit code comes last."""
        program = request.info.program_directory or request.program
        if request.kind == "analyzer":
            command = [sys.executable, "-u", "-m", "pulumi.policy", *request.args[:1], program]
        else:
            command = [sys.executable, "-u", program, *request.args]
        environment = os.environ | dict(pair.split("=", 1) for pair in request.env)
        child = self._start(command, environment, request.pwd, capture=True)
        context.add_callback(lambda: _kill(child))
        for line in _lines(child):
            yield (
                language_pb2.RunPluginResponse(stderr=line.data)
                if line.is_error
                else language_pb2.RunPluginResponse(stdout=line.data)
            )
        yield language_pb2.RunPluginResponse(exitcode=self._wait(child))

    def Cancel(  # noqa: N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Stop every program now: the engine waits five seconds for those that linger."""
        del request, context
        self.stop_children()
        return empty_pb2.Empty()

    def stop_children(self) -> None:
        """Kill what is still running."""
        with self._lock:
            children = tuple(self._children)
        for child in children:
            _kill(child)

    def _exec_command(self, request: language_pb2.RunRequest) -> list[str]:
        options = {
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "organization": request.organization,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
        }
        # The entry point `.` is the program directory, which the engine has made absolute.
        program = request.info.program_directory or request.program or "."
        if request.info.entry_point not in ("", "."):
            program = str(Path(program) / request.info.entry_point)
        flags = [f"--{name}={value}" for name, value in options.items() if value]
        return [sys.executable, "-u", str(self._exec_script), *flags, program, *request.args]

    def _start(
        self, command: list[str], environment: dict[str, str], pwd: str, *, capture: bool = False
    ) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE if capture else None
        child = subprocess.Popen(  # noqa: S603 - this interpreter, arguments as a list
            command, env=environment, cwd=pwd or None, stdout=pipe, stderr=pipe
        )
        with self._lock:
            self._children.add(child)
        return child

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        code = child.wait()
        with self._lock:
            self._children.discard(child)
        return code


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="pulumi-language-python", description=__doc__)
    parser.add_argument("--exec-script", type=Path, required=True)
    parser.add_argument("engine_address", nargs="?", default="")
    options, _ = parser.parse_known_args(arguments)
    engine = os.getppid()

    host = LanguageHost(options.engine_address, options.exec_script)
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not stopped.wait(ORPHAN_SECONDS):
        if os.getppid() != engine:
            break
    host.stop_children()
    server.stop(None)
    # Worker threads may still wait for a stream; nobody is listening any more.
    os._exit(0)


def _lines(child: subprocess.Popen[bytes]) -> Iterator[_Line]:
    """What `child` prints on both streams, in the order it arrives."""
    lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()

    def pump(stream: Iterable[bytes], *, is_error: bool) -> None:
        for data in stream:
            lines.put(_Line(is_error, data))
        lines.put(None)

    open_streams = 0
    for stream, is_error in ((child.stdout, False), (child.stderr, True)):
        if stream is not None:
            kwargs = {"is_error": is_error}
            threading.Thread(target=pump, args=(stream,), kwargs=kwargs, daemon=True).start()
            open_streams += 1
    while open_streams:
        line = lines.get()
        if line is None:
            open_streams -= 1
        else:
            yield line


def _kill(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.kill()


if __name__ == "__main__":
    main()
