"""Running controls: whatever a check does, every resource gets a verdict and nothing escapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardrails.control import Options
from guardrails.values import UndecidedError, WrongTypeError
from guardrails.verdicts import Finding, Record, Verdict, failed, merged, undecided, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardrails.control import Control, Findings
    from guardrails.graph import Graph, Resource


def guarded(check: Callable[[], Findings]) -> Finding | None:
    """The worst finding of a check; an unknown is UNKNOWN, a wrong type FAIL, a crash ERROR.

    A generator may yield findings before it meets an unknown: a FAIL found by then stands.
    """
    found: list[Finding] = []
    try:
        result = check()
        if isinstance(result, Finding):
            return result
        for finding in result or ():
            found.append(finding)  # noqa: PERF402 - what came before an exception is kept
    except UndecidedError as gap:
        found.append(undecided(gap.path, gap.kind))
    except WrongTypeError as wrong:
        found.append(failed(wrong.path, f"a {wrong.found} where {wrong.expected} belongs"))
    except Exception as error:  # noqa: BLE001 - a broken check must not stop the others
        # The class only: an exception's text may quote a property value.
        crash = f"the check raised {type(error).__name__}"
        found.append(Finding(verdict=Verdict.ERROR, found=crash))
    return worst(found)


def judge_resource(control: Control, resource: Resource, options: Options) -> Record | None:
    """The resource half's verdict; None when it leaves the verdict to the stack half."""
    check = control.check
    if check is None or not ({resource.type, "*"} & set(control.check_types)):
        return None
    finding = guarded(lambda: check(resource, options))
    return None if finding is None else _record(control, control.policy, resource.urn, finding)


def judge_stack(control: Control, graph: Graph, options: Options) -> list[Record]:
    """The stack half's verdicts, one for each resource of the control's types."""
    join = control.join
    if join is None:
        return []
    records = []
    for resource in graph.of(*control.join_types):
        finding = guarded(lambda resource=resource: join(resource, graph, options))  # type: ignore[misc] # mypy cannot infer a lambda with a default
        if finding is not None:
            records.append(_record(control, control.stack_policy, resource.urn, finding))
    return records


def not_judged(control: Control, stack_urn: str) -> Record:
    """The single record of a control that found nothing to judge: no vacuous pass."""
    types = ", ".join(sorted(control.types))
    reason = f"no resource of the types it judges: {types}"
    return Record(
        control=control.id,
        policy=control.policy,
        urn=stack_urn,
        verdict=Verdict.NOT_APPLICABLE,
        found=reason,
    )


def judge(
    controls: Iterable[Control], graph: Graph, configuration: Mapping[str, Mapping[str, Any]]
) -> list[Record]:
    """Every verdict about `graph`, one per control and URN; what `check` and the engine share."""
    stack = graph.stack()
    stack_urn = stack.urn if stack else ""
    records: list[Record] = []
    for control in controls:
        options = Options(control.options, configuration.get(control.policy, {}))
        alone = (judge_resource(control, r, options) for r in graph.of(*control.check_types))
        found = [record for record in alone if record is not None]
        found += judge_stack(control, graph, options)
        records += merged(found) or [not_judged(control, stack_urn)]
    return records


def _record(control: Control, policy: str, urn: str, finding: Finding) -> Record:
    return Record(
        control=control.id,
        policy=policy,
        urn=urn,
        verdict=finding.verdict,
        path=finding.path,
        found=finding.found,
        expected=finding.expected,
    )
