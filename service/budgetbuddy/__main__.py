"""`budgetbuddy server | worker | admin | health`, the same as `python -m budgetbuddy.<part>`.

Exit codes: the part's own, 2 for a wrong command line.
"""

import runpy
import sys

PARTS = ("server", "worker", "admin", "health")


def main() -> int:
    """Become the part that is named; what follows its name is its own."""
    program, *given = sys.argv
    if not given or given[0] not in PARTS:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if given == ["--help"] else 2
    sys.argv = [f"{program} {given[0]}", *given[1:]]
    runpy.run_module(f"budgetbuddy.{given[0]}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
