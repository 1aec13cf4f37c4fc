"""The processes of the local cloud under supervisord: started, watched, restarted, stopped."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import stat
import subprocess
import sys
import tempfile
import threading
import xmlrpc.client  # nosec B411 - it parses the answers of our own supervisord, over a private socket
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]  # ships no types

from localcloud.failure import LocalCloudError
from localcloud.paths import CHECKOUT, LOCAL, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOGS = LOCAL / "logs"
UNEXPECTED_END = re.compile(r"exited: (\S+) \(.*not expected\)")
CONFIGURATION = LOCAL / "supervisord.conf"

START_SECONDS = 15
POLL_SECONDS = 0.1

# sysexits.h: wrong configuration. Starting again would not help, so nobody does.
EX_CONFIG = 78

# supervisord's own words for a process that will not run without somebody's help.
BROKEN_STATES = frozenset({"FATAL", "BACKOFF", "EXITED", "UNKNOWN"})


@dataclass(frozen=True, kw_only=True)
class Program:
    """One supervised process. Secrets do not belong in `environment`: it is written to a file."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    stop_seconds: int


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """What supervisord knows of a process: its state in supervisord's words, and why."""

    name: str
    state: str
    pid: int
    detail: str
    crashes: int  # unexpected ends since supervisord started; each but the last was repaired

    @property
    def is_running(self) -> bool:
        """Whether the process is up."""
        return self.state == "RUNNING"


def runtime_directory() -> Path:
    """A short private directory for sockets: the state's own path may exceed their 107 bytes."""
    key = hashlib.sha256(str(LOCAL).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"budgetbuddy-{os.getuid()}-{key}"


def socket_path() -> Path:
    """Where supervisord answers."""
    return runtime_directory() / "supervisor.sock"


def start(programs: Sequence[Program]) -> None:
    """Make exactly `programs` known to supervisord, starting it first if it is not there."""
    LOGS.mkdir(parents=True, exist_ok=True)
    _make_private(runtime_directory())
    wanted = _configuration(programs)
    changed = not CONFIGURATION.exists() or CONFIGURATION.read_text() != wanted
    if changed:
        CONFIGURATION.touch(mode=0o600)
        CONFIGURATION.write_text(wanted)
    if not is_running():
        _launch()
    elif changed:
        _reload()


def stop() -> None:
    """Stop every process and supervisord itself; returns when it is gone. Safe to call twice."""
    with contextlib.suppress(OSError):  # already gone
        pid = int(_call("supervisor.getPID"))
        _call("supervisor.shutdown")
        _wait_until_gone(pid)


def is_running() -> bool:
    """Whether supervisord answers."""
    try:
        return bool(_call("supervisor.getState")["statename"] == "RUNNING")
    except OSError:
        return False


def states() -> list[ProcessState]:
    """Every supervised process, by name; empty where supervisord does not run."""
    try:
        answers = _call("supervisor.getAllProcessInfo")
    except OSError:
        return []
    ends = _unexpected_ends()
    return [
        ProcessState(
            name=info["name"],
            state=info["statename"],
            pid=info["pid"],
            detail=info["spawnerr"] or info["description"],
            crashes=ends[info["name"]],
        )
        for info in sorted(answers, key=lambda info: str(info["name"]))
    ]


def _unexpected_ends() -> Counter[str]:
    """How often each process ended unasked, by supervisord's own log of this run."""
    log = log_path("supervisord")
    if not log.exists():
        return Counter()
    runs = log.read_text(errors="replace").split("supervisord started with pid")
    return Counter(UNEXPECTED_END.findall(runs[-1]))


def restart(name: str) -> None:
    """Stop process `name` if it runs, then start it. Raises `LocalCloudError` if it fails."""
    known = {state.name for state in states()}
    if name not in known:
        raise LocalCloudError(
            f"There is no process named {name}.",
            why=f"running: {', '.join(sorted(known)) or 'none'}",
            remedy="python -m localcloud status",
            exit_code=2,
        )
    with contextlib.suppress(xmlrpc.client.Fault):  # it was not running
        _call("supervisor.stopProcess", name)
    start_process(name)


def start_process(name: str) -> None:
    """Start `name` and wait until it runs. Raises `LocalCloudError` naming its log."""
    try:
        _call("supervisor.startProcess", name)
    except xmlrpc.client.Fault as fault:
        if "ALREADY_STARTED" not in fault.faultString:
            raise LocalCloudError(
                f"Process {name} does not start.",
                why=f"{fault.faultString}; last lines of its log:\n{tail(name, lines=8)}",
                remedy=f"python -m localcloud logs {name}",
            ) from fault


def stop_process(name: str) -> None:
    """Stop `name` if it runs."""
    with contextlib.suppress(xmlrpc.client.Fault, OSError):
        _call("supervisor.stopProcess", name)


def log_path(name: str) -> Path:
    """The file that holds what process `name` printed."""
    return LOGS / f"{name}.log"


def tail(name: str, *, lines: int) -> str:
    """The last `lines` lines of a process's log."""
    path = log_path(name)
    if not path.exists():
        return "(no log yet)"
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def _make_private(directory: Path) -> None:
    """Make `directory` ours alone; its parent belongs to every user of the machine."""
    directory.mkdir(mode=0o700, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise LocalCloudError(
            f"{directory} is not private, so the process supervisor does not start.",
            why="it belongs to somebody else, or others may enter it",
            remedy=f"rm -r {directory}, then the same command again",
        )


def _configuration(programs: Sequence[Program]) -> str:
    return "\n".join(_configuration_lines(programs)) + "\n"


def _configuration_lines(programs: Sequence[Program]) -> Iterator[str]:
    directory = runtime_directory()
    yield "[supervisord]"
    yield f"logfile = {log_path('supervisord')}"
    yield f"pidfile = {directory / 'supervisord.pid'}"
    yield f"directory = {CHECKOUT}"
    yield "[unix_http_server]"
    yield f"file = {socket_path()}"
    yield "chmod = 0700"
    yield "[rpcinterface:supervisor]"
    yield "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"
    for program in programs:
        variables = ",".join(
            f'{key}="{_quoted(value)}"' for key, value in program.environment.items()
        )
        yield f"[program:{program.name}]"
        yield f"command = {_quoted(shlex.join(program.command))}"
        yield f"environment = {variables}"
        yield "autostart = false"
        # A crash is repaired, and seen in `status`; a program that cannot start is given up on.
        yield "autorestart = unexpected"
        yield f"exitcodes = 0,{EX_CONFIG}"
        yield "startsecs = 1"
        yield "startretries = 2"
        yield f"stopwaitsecs = {program.stop_seconds}"
        yield "stopasgroup = false"
        yield "killasgroup = true"
        yield "redirect_stderr = true"
        yield f"stdout_logfile = {log_path(program.name)}"
        yield "stdout_logfile_maxbytes = 10MB"
        yield "stdout_logfile_backups = 1"


def _quoted(word: str) -> str:
    """`%` starts an expansion in supervisord's configuration."""
    return word.replace("%", "%%")


def _launch() -> None:
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(CONFIGURATION)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    pause = threading.Event()
    for _ in range(int(START_SECONDS / POLL_SECONDS)):
        if is_running():
            return
        pause.wait(POLL_SECONDS)
    raise LocalCloudError(
        "The process supervisor does not start.",
        why=(done.stderr or done.stdout).strip() or f"no answer within {START_SECONDS} s",
        remedy=f"see {shown(log_path('supervisord'))}",
    )


def _reload() -> None:
    """Let supervisord read its configuration again; a changed program is stopped and replaced."""
    [[added, changed, removed]] = _call("supervisor.reloadConfig")
    for name in [*changed, *removed]:
        stop_process(name)
        _call("supervisor.removeProcessGroup", name)
    for name in [*added, *changed]:
        _call("supervisor.addProcessGroup", name)


def _wait_until_gone(pid: int) -> None:
    pause = threading.Event()
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        pause.wait(POLL_SECONDS)


def _call(method: str, *arguments: object) -> Any:
    """One XML-RPC call. Raises `OSError` where supervisord does not answer."""
    transport = SupervisorTransport(None, None, f"unix://{socket_path()}")
    with xmlrpc.client.ServerProxy("http://127.0.0.1", transport) as server:
        call: Any = server
        for part in method.split("."):
            call = getattr(call, part)
        return call(*arguments)
