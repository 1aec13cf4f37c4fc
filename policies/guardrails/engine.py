"""The only module that knows private names of the policy SDK.

The SDK takes a request apart once per policy. This servicer does it once per request and runs all
controls on the result, gives each verdict its own level, and writes the journal. A test fails when
the SDK's version is not the one this was written for.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import json_format
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel, ResourceValidationPolicy, StackValidationPolicy
from pulumi_policy.policy import Policy, _PolicyAnalyzerServicer

from guardrails.control import Control, Options
from guardrails.graph import STACK, Graph, Resource, stack_of
from guardrails.judge import judge_resource, judge_stack, not_judged
from guardrails.messages import render
from guardrails.values import Node
from guardrails.verdicts import Level, Record, Verdict
from guardrails.waivers import FINDING_POLICIES, Waivers
from guardrails.wire import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from guardrails.journal import Writer

SDK_VERSION: Final = "1.21.0"
LEVELS: Final = {
    EnforcementLevel.DISABLED: Level.DISABLED,
    EnforcementLevel.ADVISORY: Level.ADVISORY,
    # A violation that a remediation did not cure counts as mandatory, as in the SDK.
    EnforcementLevel.REMEDIATE: Level.MANDATORY,
    EnforcementLevel.MANDATORY: Level.MANDATORY,
}


class ResourceControl(ResourceValidationPolicy):
    """The resource half of a control as the engine lists it; the servicer runs it."""

    control: Control


class StackControl(StackValidationPolicy):
    """The stack half of a control as the engine lists it."""

    control: Control


class WaiverFindings(StackValidationPolicy):
    """Malformed, expired or unused waivers."""


@dataclass
class Session:
    """What one run of a pack needs beside the requests, and what it has seen so far."""

    journal: Writer
    waivers: Waivers
    today: Callable[[], date]
    declared: dict[str, Resource] = field(default_factory=dict)  # inputs seen by Analyze
    records: list[Record] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)  # Analyze runs on four threads


class Servicer(_PolicyAnalyzerServicer):
    """Analyses each resource once for all controls."""

    def __init__(self, *args: Any, session: Session, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._session = session
        self._pack_name: str = args[0]
        self._policies: list[Policy] = args[2]
        self._configured: dict[str, Options] = {}  # by control, as the last Configure left them

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Take levels and options from the engine."""
        self._configured.clear()
        return super().Configure(request, context)  # type: ignore[no-untyped-call] # the SDK has no types here

    def Analyze(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Judge one resource by its inputs."""
        response = proto.AnalyzeResponse()
        resource = resource_of(request)
        with self._session.lock:
            self._session.declared[request.urn] = resource
        for policy in self._active(ResourceControl):
            control = policy.control
            record = judge_resource(control, resource, self._options(control))
            if record is not None:
                self._report(response, policy, control, record)
            if record is None or record.verdict is Verdict.NOT_APPLICABLE:
                reason = record.found if record else "left to another type or to the stack half"
                response.not_applicable.append(
                    proto.PolicyNotApplicable(policy_name=policy.name, reason=reason)
                )
        return response

    def AnalyzeStack(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the protocol's name
        """Judge the stack: inputs as declared, joined along the dependency graph."""
        response = proto.AnalyzeResponse()
        graph = Graph(self._with_inputs(resource_of(r)) for r in request.resources)
        root = graph.stack()
        stack_urn = root.urn if root else ""
        failed_alone: dict[str, set[str]] = defaultdict(set)  # said already by the resource half
        for record in self._session.records:
            if record.verdict in (Verdict.FAIL, Verdict.WAIVED):
                failed_alone[record.control].add(record.urn)
        for policy in self._active(StackControl):
            self._judge_stack(response, policy, graph, failed_alone[policy.control.id])
        self._close(response, stack_urn, request)
        return response

    def _judge_stack(
        self, response: Any, policy: StackControl, graph: Graph, failed_alone: set[str]
    ) -> None:
        control = policy.control
        records = judge_stack(control, graph, self._options(control))
        for record in records:
            if record.urn not in failed_alone:
                self._report(response, policy, control, record)
        if all(record.verdict is Verdict.NOT_APPLICABLE for record in records):
            reason = records[0].found if records else "no resource of its types"
            response.not_applicable.append(
                proto.PolicyNotApplicable(policy_name=policy.name, reason=reason)
            )

    def _close(self, response: Any, stack_urn: str, request: Any) -> None:
        """Controls that judged nothing, waiver findings, and the line that proves the end."""
        session = self._session
        controls = {p.control.id: p.control for p in self._active(ResourceControl)}
        controls |= {p.control.id: p.control for p in self._active(StackControl)}
        judged = {record.control for record in session.records}
        for control in controls.values():
            if control.id not in judged:
                self._note(not_judged(control, stack_urn))
        stack = stack_of(stack_urn)
        findings = session.waivers.findings(
            session.records, stack, stack_urn, session.today(), set(controls)
        )
        by_name = {policy.name: policy for policy in self._active(WaiverFindings)}
        for record in findings:
            if policy := by_name.get(record.policy):
                self._note(record)
                text = f"{record.control} FAIL {record.path}: {record.found}"
                self._diagnose(response, policy, record, text, EnforcementLevel.MANDATORY)
        session.journal.summary(
            resources=len(request.resources),
            stack=stack,
            project=stack_urn.split("::")[1] if stack_urn else "",
            controls=sorted(controls),
        )

    def _report(self, response: Any, policy: Any, control: Control, record: Record) -> None:
        """Apply the waivers, journal the verdict, and tell the engine what it needs to know."""
        stack, today = stack_of(record.urn), self._session.today()
        (record,) = self._session.waivers.apply([record], stack, today)
        self._note(record)
        level = self._get_enforcement_level(policy)
        match record.verdict:
            case Verdict.FAIL:
                level = EnforcementLevel(LEVELS[level].value)
            case Verdict.ERROR:
                level = EnforcementLevel.MANDATORY
            case Verdict.UNKNOWN | Verdict.WAIVED:
                level = EnforcementLevel.ADVISORY
            case _:
                return
        self._diagnose(response, policy, record, render(record, control), level)

    def _diagnose(
        self, response: Any, policy: Policy, record: Record, message: str, level: EnforcementLevel
    ) -> None:
        report = self._create_report_violation(
            response, policy.name, policy.description, level, policy.severity
        )
        report(message, record.urn)

    def _note(self, record: Record) -> None:
        with self._session.lock:
            self._session.records.append(record)
            self._session.journal.verdict(record)

    def _active(self, kind: type) -> list[Any]:
        disabled = EnforcementLevel.DISABLED
        return [
            policy for policy in self._policies
            if isinstance(policy, kind) and self._get_enforcement_level(policy) is not disabled
        ]  # fmt: skip

    def _options(self, control: Control) -> Options:
        found = self._configured.get(control.id)
        if found is None:
            configured = self._get_policy_config(control.policy) or {}
            found = self._configured[control.id] = Options(control.options, configured)
        return found

    def _with_inputs(self, resource: Resource) -> Resource:
        """The resource as declared; outputs stand in for inputs of one that is only read."""
        declared = self._session.declared.get(resource.urn)
        if declared is None:
            return resource
        return replace(resource, value=declared.value, secrets=declared.secrets)


def resource_of(request: Any) -> Resource:
    """A resource from an `AnalyzeRequest` or an `AnalyzerResource`; they share their fields."""
    properties = plain(json_format.MessageToDict(request.properties))
    has_provider = request.HasField("provider")
    provider = request.provider if has_provider else None
    dependencies = getattr(request, "propertyDependencies", {})
    return Resource(
        value=properties.values,
        urn=request.urn,
        token=request.type,
        outputs=properties.values,
        secrets=frozenset(properties.secrets),
        provider=provider and Node(plain(json_format.MessageToDict(provider.properties)).values),
        provider_type=provider.type if provider else "",
        parent=getattr(request, "parent", "") or request.options.parent,
        dependencies=tuple(getattr(request, "dependencies", ())),
        property_dependencies={key: tuple(value.urns) for key, value in dependencies.items()},
        protect=request.options.protect,
        ignore_changes=tuple(request.options.ignoreChanges),
    )


__all__ = ["FINDING_POLICIES", "SDK_VERSION", "STACK", "Servicer", "Session"]
