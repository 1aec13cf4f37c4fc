"""`python -m budgetbuddy.admin`: what only an operator does, with the task role of the service.

    python -m budgetbuddy.admin grant-role usr_01jdk2… ADMIN
    python -m budgetbuddy.admin revoke-role usr_01jdk2… ADMIN
    python -m budgetbuddy.admin set-flag pinning report

A user is named by id (`GET /api/v1/users/me`), never by e-mail: command lines are logged. Every
change is an audit row of the user it concerns, or of the operators' own chain. A flag reaches every
process within a minute and wins over the configuration until it is set to `default`. One JSON line
on standard output says what holds now; exit 0 done, 1 refused, 2 a wrong command line, 78 a wrong
configuration.
"""

import argparse
import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from budgetbuddy.composition import build_services
from budgetbuddy.domain.access import Role
from budgetbuddy.domain.pinning import PINNING_FLAG, PinningMode
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import Problem
from budgetbuddy.settings import EX_CONFIG, InvalidSettings, load_settings

DEFAULT = "default"  # what the configuration says
Command = Callable[[Services, argparse.Namespace], Mapping[str, Any]]


def grant_role(services: Services, given: argparse.Namespace) -> Mapping[str, Any]:
    """Give a user a role; their sessions end."""
    roles = services.roles.grant(given.user, given.role, request_id=secrets.token_hex(16))
    return {"user": given.user, "roles": list(roles)}


def revoke_role(services: Services, given: argparse.Namespace) -> Mapping[str, Any]:
    """Take a role from a user; their sessions end."""
    roles = services.roles.revoke(given.user, given.role, request_id=secrets.token_hex(16))
    return {"user": given.user, "roles": list(roles)}


def set_flag(services: Services, given: argparse.Namespace) -> Mapping[str, Any]:
    """Set a switch while the service runs."""
    value = None if given.value == DEFAULT else given.value
    services.flags.set(given.flag, value, request_id=secrets.token_hex(16))
    return {"flag": given.flag, "value": given.value}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="budgetbuddy.admin", description="operator commands")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command in (("grant-role", grant_role), ("revoke-role", revoke_role)):
        added = commands.add_parser(name, help=command.__doc__)
        added.add_argument("user", help="id, e.g. usr_01jdk2…")
        added.add_argument("role", type=Role, choices=list(Role))
        added.set_defaults(command=command)
    added = commands.add_parser("set-flag", help=set_flag.__doc__)
    added.add_argument("flag", choices=[PINNING_FLAG])
    added.add_argument("value", choices=[*PinningMode, DEFAULT])
    added.set_defaults(command=set_flag)
    return parser


def main(argv: Sequence[str], services: Services | None = None) -> int:
    """Run one command; services come from the environment unless given."""
    given = _parser().parse_args(argv)
    command: Command = given.command
    try:
        done = command(services or build_services(load_settings(os.environ)), given)
    except InvalidSettings as exc:
        sys.stderr.write("".join(f"{fault}\n" for fault in exc.faults))
        return EX_CONFIG
    except Problem as exc:
        sys.stderr.write(f"{exc.code}: {exc.title}\n")
        return 1
    sys.stdout.write(json.dumps(dict(done)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
