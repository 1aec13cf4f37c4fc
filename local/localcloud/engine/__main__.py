"""`python -m localcloud.engine`: set up the Pulumi engine, or run it as this project does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from localcloud.engine.acquire import acquire_engine
from localcloud.engine.environment import Backend, engine_environment, pulumi
from localcloud.engine.launchers import write_launchers
from localcloud.failure import LocalCloudError
from localcloud.paths import ENGINE
from localcloud.progress import console, fail


@click.group(help=__doc__)
def cli() -> None:
    """Group of the engine's commands."""


@cli.command()
def setup() -> None:
    """Get the Pulumi CLI and write the launchers of this checkout."""
    engine = acquire_engine()
    write_launchers(engine)
    host = "its own language host" if engine.exec_script is None else "this project's language host"
    console.print(f"[green]✓[/green] Pulumi {engine.version} ({engine.origin}, {host})")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--state", type=click.Path(path_type=Path), help="Directory of the file backend.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(state: Path | None, arguments: tuple[str, ...]) -> None:
    """Run `pulumi ARGUMENTS` with the stand-in providers and a throw-away file backend."""
    directory = (state or ENGINE / "scratch").resolve()
    backend = Backend(directory=directory, passphrase_file=directory / "passphrase")
    backend.prepare()
    environment = engine_environment(backend, stand_ins=True)
    sys.exit(subprocess.run([pulumi(), *arguments], env=environment, check=False).returncode)  # noqa: S603


def main() -> None:
    """Run the command line; an expected failure is three lines, never a traceback."""
    try:
        cli()
    except LocalCloudError as error:
        fail(error.what, error.why, error.remedy)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
