"""The local cloud: the real engine, an embedded AWS and the service, on this machine only."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

import click
from rich.table import Table

from localcloud import supervision
from localcloud.bringup import down as bring_down
from localcloud.bringup import remove_lock
from localcloud.bringup import up as bring_up
from localcloud.client import Client
from localcloud.cost import print_cost
from localcloud.demo import sign_in_demo_user
from localcloud.emulator.process import Emulator
from localcloud.engine.environment import describe_providers
from localcloud.evidence import write_evidence
from localcloud.failure import LocalCloudError
from localcloud.paths import LOCAL, shown
from localcloud.ports import remembered_ports
from localcloud.progress import console, fail, step
from localcloud.providers.aws.kinds import created_types
from localcloud.rehearsal.rehearse import Options, approve_at_once, ask_person, rehearse
from localcloud.stack import PROGRAMS, local_stack, preview_stack, programs_of, stop_on

if TYPE_CHECKING:
    from pathlib import Path

    from localcloud.stack import Stack

FOLLOW_SECONDS = 0.5


@click.group(help=__doc__)
def cli() -> None:
    """Group of the local cloud's commands."""


@cli.command()
@click.option("--api-port", type=click.IntRange(1024, 65535), help="Port of the service (8080).")
@click.option("--refresh", is_flag=True, help="Compare the state with the embedded AWS first.")
def up(api_port: int | None, *, refresh: bool) -> None:
    """Deploy stack `local`, start the service, seed a demo user, smoke-test."""
    bring_up(api_port, refresh=refresh)


@cli.command()
@click.option("--wipe", is_flag=True, help="Also remove data, state and passphrase.")
def down(*, wipe: bool) -> None:
    """Stop the service, destroy stack `local`, stop the embedded AWS."""
    bring_down(wipe=wipe)


@cli.command()
def stop() -> None:
    """Stop the processes and keep all data; the next `up` continues."""
    supervision.stop()
    console.print("Stopped; data is kept. Next: [bold]make up[/bold]")


@cli.command()
def status() -> None:
    """Processes, resources, and which types are really created in the embedded AWS."""
    states = supervision.states()
    table = Table("process", "state", "detail")
    for state in states:
        colour = "green" if state.is_running else "red"
        table.add_row(state.name, f"[{colour}]{state.state}[/{colour}]", _detail(state))
    console.print(table if states else "No process runs. Next: [bold]make up[/bold]")
    _print_resources()
    console.print(describe_providers(stand_ins=True))
    broken = [state.name for state in states if state.state in supervision.BROKEN_STATES]
    if broken:
        raise LocalCloudError(
            f"Not running: {', '.join(broken)}.",
            why="it ended by itself or does not start",
            remedy="; ".join(
                f"python -m localcloud {do} {broken[0]}" for do in ("logs", "restart")
            ),
        )


@cli.command()
@click.argument("name", required=False)
@click.option("-n", "--lines", default=40, show_default=True, help="How many lines of each log.")
@click.option("-f", "--follow", is_flag=True, help="Go on printing new lines of one log.")
def logs(name: str | None, lines: int, *, follow: bool) -> None:
    """Print the last lines of a process's log, or of all."""
    known = sorted(path.stem for path in supervision.LOGS.glob("*.log"))
    if name is not None and name not in known:
        raise LocalCloudError(
            f"There is no log of {name}.",
            why=f"logs: {', '.join(known) or 'none yet'}",
            remedy="make up",
            exit_code=2,
        )
    for each in [name] if name else known:
        console.rule(each, align="left")
        console.print(supervision.tail(each, lines=lines), markup=False)
    if follow and name:
        _follow(supervision.log_path(name))


@cli.command()
@click.argument("name")
def restart(name: str) -> None:
    """Restart one process."""
    supervision.restart(name)
    console.print(f"{name} runs again.")


@cli.command()
def mail() -> None:
    """Print the mail the service has sent: on this machine SES is the embedded AWS."""
    messages = _emulator().sent_mail()
    for message in messages:
        console.rule(f"to {', '.join(message['To'])}: {message['Subject']}", align="left")
        console.print(message["BodyText"], markup=False)
    if not messages:
        console.print("No mail yet.")


@cli.command()
def token() -> None:
    """Print an access token of the demo user, good for ten minutes or more."""
    ports = remembered_ports()
    if ports is None:
        raise _not_up()
    try:
        click.echo(sign_in_demo_user(Client(ports.api), _emulator()).access_token)
    except OSError as error:
        raise _not_up() from error


@cli.command()
def unlock() -> None:
    """Remove the lock that a killed run left on stack `local`."""
    remove_lock()


@cli.command()
@click.option("--project", type=click.Choice(list(PROGRAMS)), help="Only this one of the projects.")
@click.argument("stack_name", metavar="STACK")
def preview(stack_name: str, project: str | None) -> None:
    """Preview STACK of each project under every control and write the evidence bundles."""
    programs = [PROGRAMS[project]] if project else programs_of(stack_name)
    for program in programs:
        _preview(preview_stack(stack_name, program))


@cli.command()
@click.option("--since", metavar="COMMIT", help="Compare with this one (the last commit).")
@click.argument("stack_name", metavar="STACK")
def cost(stack_name: str, since: str | None) -> None:
    """Estimate what STACK costs a month, and its difference from another commit."""
    print_cost(stack_name, since=since)


@cli.command()
@click.option("--yes", is_flag=True, help="Approve what the preview shows without being asked.")
@click.option("--whole", is_flag=True, help="Run every test in stage Test, not only a few.")
@click.option("--verbose", is_flag=True, help="Print every line of every stage.")
@click.argument("stack_name", metavar="STACK", type=click.Choice(["local"]))
def release(stack_name: str, *, yes: bool, whole: bool, verbose: bool) -> None:
    """Rehearse a release on this machine, under load, and one that is rolled back."""
    del stack_name  # the others are released by a push
    approve = approve_at_once if yes else ask_person
    rehearse(Options(approve=approve, whole=whole, verbose=verbose))


def _preview(stack: Stack) -> None:
    console.print(f"[dim]{describe_providers(stand_ins=stack.stand_ins)}[/dim]")
    with step(f"Preparing stack {stack.title}"):
        stack.prepare(stack.program.sample)
    with step(f"Previewing {stack.title} under every control"):
        failures = stack.preview()
    code = write_evidence(stack)
    stop_on(failures, f"The preview of {stack.title}")
    if code:
        sys.exit(code)
    console.print(f"Nothing stands in the way. Evidence: {shown(stack.evidence)}/index.html")


def _detail(state: supervision.ProcessState) -> str:
    """What supervisord says of a process, and that it crashed although it runs again."""
    if not state.crashes:
        return state.detail
    times = "once" if state.crashes == 1 else f"{state.crashes} times"
    return f"{state.detail}; [red]crashed {times}[/red]: python -m localcloud logs {state.name}"


def _print_resources() -> None:
    resources = local_stack().resources()
    created = created_types()
    counts = Counter(resource["type"] for resource in resources)
    console.print(f"Stack local holds {len(resources)} resources.")
    for title, wanted in (("created in the embedded AWS", True), ("recorded only", False)):
        types = sorted(
            kind for kind in counts if kind.startswith("aws:") and (kind in created) is wanted
        )
        if types:
            console.print(f"  {title}: {', '.join(f'{counts[kind]} {kind}' for kind in types)}")
    console.print(f"Types that are really created: {', '.join(sorted(created))}")


def _follow(path: Path) -> None:
    pause = threading.Event()
    with path.open(errors="replace") as file:
        file.seek(0, 2)
        while not pause.wait(FOLLOW_SECONDS):
            click.echo(file.read(), nl=False)


def _emulator() -> Emulator:
    ports = remembered_ports()
    if ports is None:
        raise _not_up()
    return Emulator(port=ports.emulator, state=LOCAL / "emulator")


def _not_up() -> LocalCloudError:
    return LocalCloudError(
        "The local cloud is not up.", why="it was not started on this machine", remedy="make up"
    )


def main() -> None:
    """Run the command line; an expected failure is three lines, never a traceback."""
    try:
        cli()
    except LocalCloudError as error:
        fail(error.what, error.why, error.remedy)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
