from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import click
import pytest

from localcloud.__main__ import cli
from localcloud.engine.__main__ import cli as engine_cli

if TYPE_CHECKING:
    from conftest import CommandLine


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_says_what_it_does(name: str) -> None:
    command = cli.commands[name]

    assert command.help
    assert all(each.help for each in command.params if isinstance(each, click.Option))


def test_help_lists_every_command(command_line: CommandLine) -> None:
    shown = command_line.run("--help")

    assert shown.returncode == 0
    assert set(cli.commands) >= {"up", "down", "status", "logs", "restart", "unlock", "preview"}
    assert all(f"  {name} " in shown.stdout for name in cli.commands)


def test_the_engines_commands_have_help_too() -> None:
    assert set(engine_cli.commands) == {"setup", "run"}
    assert all(command.help for command in engine_cli.commands.values())


def test_an_unknown_stack_is_refused(command_line: CommandLine) -> None:
    preview = command_line.run("preview", "nowhere")

    assert preview.returncode == 2
    assert "no stack named nowhere" in preview.stderr
    assert "make preview STACK=staging" in preview.stderr
    assert not (command_line.state / "preview" / "nowhere").exists()


def test_a_taken_port_is_said_and_a_free_one_offered(command_line: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        up = command_line.run("up", "--api-port", str(port))

    assert up.returncode == 1
    assert f"Port {port}" in up.stderr
    assert "is taken" in up.stderr
    offered = up.stderr.partition("make up API_PORT=")[2].split()[0]
    assert int(offered) != port
    assert not (command_line.state / "local" / "ports.json").exists()


@pytest.mark.parametrize("port", ["0", "80", "70000", "eighty"])
def test_a_port_nobody_may_use_is_refused(command_line: CommandLine, port: str) -> None:
    up = command_line.run("up", "--api-port", port)

    assert up.returncode == 2
    assert "--api-port" in up.stderr


def test_logs_of_an_unknown_process_name_those_there_are(command_line: CommandLine) -> None:
    directory = command_line.state / "local" / "logs"
    directory.mkdir(parents=True)
    (directory / "emulator.log").write_text("one\ntwo [bold]\n")

    unknown = command_line.run("logs", "unknown")
    last = command_line.run("logs", "emulator", "-n", "1")

    assert unknown.returncode == 2
    assert "logs: emulator" in unknown.stderr
    assert "two [bold]" in last.stdout
    assert "one" not in last.stdout


@pytest.mark.parametrize("name", ["mail", "token"])
def test_what_needs_a_running_cloud_sends_to_make_up(command_line: CommandLine, name: str) -> None:
    done = command_line.run(name)

    assert done.returncode == 1
    assert "do:  make up" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_before_the_first_up_says_what_to_do(command_line: CommandLine) -> None:
    status = command_line.run("status")

    assert status.returncode == 0, status.stderr
    assert "make up" in status.stdout
    assert "aws:dynamodb/table:Table" in status.stdout


def test_down_where_nothing_is_up_is_no_error(command_line: CommandLine) -> None:
    assert command_line.run("down").returncode == 0
    assert command_line.run("down", "--wipe").returncode == 0
    assert not (command_line.state / "local").exists()
