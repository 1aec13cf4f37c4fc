"""Have an independent scanner judge the preview of a stack."""

from __future__ import annotations

import sys

import click

from localcloud.failure import LocalCloudError
from localcloud.paths import shown
from localcloud.progress import console, fail, step
from localcloud.scan.accepted import ACCEPTED
from localcloud.scan.checkov import PLAN, scan
from localcloud.scan.terraform_plan import terraform_plan
from localcloud.stack import preview_stack


@click.command(help=__doc__)
@click.argument("name", default="production")
def cli(name: str) -> None:
    """Preview, convert, scan; a finding without a reason is a failure."""
    stack = preview_stack(name)
    with step(f"Previewing {name}"):
        stack.prepare(stack.program.sample)
        states = stack.plan()
    stack.evidence.mkdir(parents=True, exist_ok=True)
    with step("Scanning"):
        report = scan(terraform_plan(states), stack.evidence)
    passed = sum(len(resources) for resources in report.passed.values())
    console.print(
        f"{passed} passed, {len(report.findings)} findings; plan: {shown(stack.evidence)}/{PLAN}"
    )
    unexplained = report.unexplained(ACCEPTED)
    for each in unexplained:
        console.print(f"{each.check}  {each.resource}  {each.says}", markup=False)
    if unexplained:
        raise LocalCloudError(
            f"{len(unexplained)} findings have no reason.",
            why="they are named above",
            remedy="mend the program, or give the reason in local/localcloud/scan/accepted.py",
        )
    console.print("Every finding is explained: docs/INDEPENDENT_SCAN.md")


def main() -> None:
    """The command, with failures as people read them."""
    try:
        cli()
    except LocalCloudError as error:
        fail(error.what, error.why, error.remedy)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
