"""The plugins as processes: a port on stdout, a quiet and immediate end, loopback only."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud.emulator.process import Emulator

PLUGINS = ("aws", "awsx")
# 127.0.0.1, ::1 and ::ffff:127.0.0.1, as the kernel writes them.
LOOPBACK = {
    "0100007F",
    "00000000000000000000000001000000",
    "0000000000000000FFFF00000100007F",
}
LISTENING = "0A"


@contextmanager
def plugin(name: str, log: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", f"localcloud.providers.{name}", "127.0.0.1:1"],
        env=os.environ | {"LOCALCLOUD_PROVIDER_LOG": str(log)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def listening_addresses(process: int) -> set[str]:
    """Local addresses, in the kernel's hexadecimal, that a process and its children listen on."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    inodes = {
        str(link.readlink()).removeprefix("socket:[").removesuffix("]")
        for one in [str(process), *children]
        for link in Path(f"/proc/{one}/fd").iterdir()
        if link.is_symlink() and str(link.readlink()).startswith("socket:")
    }
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == LISTENING and row[9] in inodes}


@pytest.mark.parametrize("name", PLUGINS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_plugin_ends_at_once_and_silently(
    name: str, number: signal.Signals, tmp_path: Path
) -> None:
    with plugin(name, tmp_path / "log") as (process, port):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        begin = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=5)

        assert time.monotonic() - begin < 2
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_does_not_outlive_an_engine_that_was_killed(
    name: str, eventually: Callable[..., bool], is_alive: Callable[[int], bool]
) -> None:
    command = [sys.executable, "-P", "-m", f"localcloud.providers.{name}", "127.0.0.1:1"]
    engine = subprocess.Popen(
        ["sh", "-c", '"$@" & echo $!; wait', "sh", *command], stdout=subprocess.PIPE
    )
    assert engine.stdout is not None
    plugin = int(engine.stdout.readline())
    int(engine.stdout.readline())  # the port: it serves

    engine.kill()
    engine.wait(5)
    engine.stdout.close()  # not read to its end: what outlives the engine holds it open

    try:
        assert eventually(lambda: not is_alive(plugin), 5)
    finally:
        if is_alive(plugin):
            os.kill(plugin, signal.SIGKILL)


@pytest.mark.parametrize("name", PLUGINS)
def test_a_plugin_listens_on_loopback_only(name: str, tmp_path: Path) -> None:
    with plugin(name, tmp_path / "log") as (process, _):
        found = listening_addresses(process.pid)

    assert found
    assert found <= LOOPBACK


@pytest.mark.emulator
def test_the_embedded_aws_listens_on_loopback_only(emulator: Emulator) -> None:
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    (inode,) = {
        row[9] for row in rows if row[3] == LISTENING and row[1].endswith(f":{emulator.port:04X}")
    }
    (owner,) = {
        int(link.parts[2])
        for link in Path("/proc").glob("[0-9]*/fd/*")
        if _target(link) == f"socket:[{inode}]"
    }

    assert listening_addresses(owner) <= LOOPBACK


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the process or its file went away meanwhile
        return ""


def test_a_plugin_writes_its_log_where_it_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with plugin("aws", log) as (_, port), grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        stub.Configure(provider_pb2.ConfigureRequest(variables={"aws:config:region": "eu-west-1"}))

    assert "configured for account 000000000000 in eu-west-1" in log.read_text()
