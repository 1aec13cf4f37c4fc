"""`docs/INDEPENDENT_SCAN.md`: what another scanner says of the production preview, and why."""

from __future__ import annotations

from localcloud.paths import CHECKOUT
from localcloud.scan.accepted import ACCEPTED

PAGE = CHECKOUT / "docs" / "INDEPENDENT_SCAN.md"
INTRODUCTION = """# An opinion that is not ours

The controls under `policies/` were written beside the program they judge. So that both do not
share a blind spot, [Checkov](https://www.checkov.io) reads the same preview: it is turned into the
document that `terraform show -json` writes (`localcloud/scan/terraform_plan.py`: types, blocks
and references by rule, unknown values stay unknown) and judged by every AWS check there, offline.

```sh
make scan STACK=production
```

The command fails on a finding that is not listed here, and on an entry here that no longer occurs;
`tests/platform/test_independent_scan.py` does both on every run, and proves on broken copies of the
plan that the scanner does see through the conversion. Container definitions of an empty stack hold
secrets' ARNs that AWS decides later, so Checkov cannot read them; the controls ECS-08 to ECS-13 do,
with the stack's state.

## What it would like otherwise, and why it stays
"""


def render() -> str:
    """The page, from the list of accepted findings."""
    rows = [
        f"| {each.check} | {each.asks} | {'<br>'.join(f'`{name}`' for name in each.resources)}"
        f" | {each.reason} |"
        for each in ACCEPTED
    ]
    table = ["| check | asks that | on | reason |", "|---|---|---|---|", *rows]
    return INTRODUCTION + "\n" + "\n".join(table) + "\n"


if __name__ == "__main__":
    PAGE.write_text(render())
