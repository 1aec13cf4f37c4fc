"""What the person who approves reads: what changes, under which image, with which verdicts."""

from collections.abc import Mapping, Sequence

from delivery.ops.steps import Plan, Step

LIMIT = 900  # CodePipeline takes no more than 1,000 characters with the text around a variable
VERDICTS = ("PASS", "FAIL", "UNKNOWN", "WAIVED")
SHORT_DIGEST = 12


def summarise(plan: Plan, verdicts: Mapping[str, int], digest: str) -> str:
    """At most `LIMIT` characters, one line; what would be lost for ever comes first.

    `verdicts` counts the controls by verdict, `digest` is `sha256:` and 64 hex digits.
    """
    lost = [step for step in (*plan.replaces, *plan.deletes) if step.is_protected]
    counts = {
        "create": plan.creates,
        "update": plan.updates,
        "replace": plan.replaces,
        "delete": plan.deletes,
    }
    parts = [
        *([f"PROTECTED: {_listed(lost)}"] if lost else []),
        ", ".join(f"{verb} {len(steps)}" for verb, steps in counts.items()),
        f"digest {digest.removeprefix('sha256:')[:SHORT_DIGEST]}..",
        ", ".join(f"{verdict} {verdicts.get(verdict, 0)}" for verdict in VERDICTS),
        f"replaces {_listed(plan.replaces)}",
        f"deletes {_listed(plan.deletes)}",
    ]
    return _cut("; ".join(parts))


def _listed(steps: Sequence[Step]) -> str:
    return ", ".join(step.name for step in steps) or "none"


def _cut(text: str) -> str:
    mark = ".. (cut)"
    return text if len(text) <= LIMIT else text[: LIMIT - len(mark)] + mark
