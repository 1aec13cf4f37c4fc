"""`/compliance`: what the running system proves, for officers. No evidence means `unknown`."""

from typing import Any, Literal

from flask import Response
from pydantic import Field

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._http import context, json_response, listed, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.domain.access import COMPLIANCE
from budgetbuddy.domain.archive import cell, csv_line
from budgetbuddy.domain.compliance import FRAMEWORKS, ControlStatus, Framework, Judgement, summary
from budgetbuddy.domain.evidence import Evidence, EvidenceSource
from budgetbuddy.problems import NotFound

routes = Routes("compliance", "/api/v1/compliance")
COLUMNS = ("control", "title", "requirement", "status", "source", "collectedAt")


class FrameworkPath(Query):
    """Path of one framework's report."""

    framework: str


class ControlPath(Query):
    """Path of one control."""

    control_id: str


class ReportQuery(Query):
    """As which document."""

    format: Literal["json", "csv"] = "json"


class EvidenceQuery(Query):
    """From one source, or from all."""

    source: EvidenceSource | None = None


class FrameworkView(View):
    """A framework and what a report of it covers."""

    id: str
    title: str
    scope: str

    @classmethod
    def of(cls, framework: Framework) -> "FrameworkView":
        """The view of a framework."""
        return cls(id=framework.id, title=framework.title, scope=framework.scope)


class FrameworkList(View):
    """All of them."""

    items: list[FrameworkView]
    next_cursor: str | None


class EvidenceView(View):
    """What was measured; `value` is null when it could not be."""

    source: EvidenceSource
    value: dict[str, Any] | None
    collected_at: str

    @classmethod
    def of(cls, evidence: Evidence) -> "EvidenceView":
        """The view of a piece of evidence."""
        value = None if evidence.value is None else dict(evidence.value)
        return cls(source=evidence.source, value=value, collected_at=evidence.collected_at)


class EvidenceList(View):
    """One piece a source."""

    items: list[EvidenceView]
    next_cursor: str | None


class ControlView(View):
    """A control, its requirements by framework, and what the evidence says of it."""

    id: str
    title: str
    requirements: dict[str, str]
    status: ControlStatus
    evidence: list[EvidenceView]

    @classmethod
    def of(cls, found: Judgement) -> "ControlView":
        """The view of a judgement."""
        return cls(
            id=found.control.id,
            title=found.control.title,
            requirements=dict(found.control.references),
            status=found.status,
            evidence=[EvidenceView.of(found.evidence)],
        )


class VerdictCounts(View):
    """How many controls have each status."""

    passed: int = Field(alias="pass")
    fail: int
    unknown: int
    not_applicable: int


class ReportView(View):
    """The controls of one framework, judged when this was asked for."""

    framework: str
    title: str
    scope: str
    summary: VerdictCounts
    controls: list[ControlView]


@routes.get("/frameworks", access=COMPLIANCE, returns={200: FrameworkList})
def list_frameworks() -> Response:
    """List the frameworks that reports are made for, with their scope."""
    return listed(map(FrameworkView.of, FRAMEWORKS))


@routes.get(
    "/reports/<framework>",
    access=COMPLIANCE,
    returns={200: ReportView},
    problems=(NotFound,),
    limits=("analytics",),
)
def report_compliance(path: FrameworkPath, query: ReportQuery) -> Response:
    """Report on a framework from what is measured now; `format=csv` for a spreadsheet."""
    framework = services().compliance.framework(path.framework)
    found = services().compliance.report(path.framework)
    services().officers.reported(context(), path.framework)
    if query.format == "csv":
        lines = [csv_line(COLUMNS), *(csv_line(_cells(each, path.framework)) for each in found)]
        return Response(b"".join(lines), mimetype="text/csv")
    counts = summary(found)
    view = ReportView(
        framework=framework.id,
        title=framework.title,
        scope=framework.scope,
        summary=VerdictCounts(**{"passed": counts.pop("pass"), **counts}),
        controls=[ControlView.of(each) for each in found],
    )
    return json_response(view)


@routes.get(
    "/controls/<controlId>", access=COMPLIANCE, returns={200: ControlView}, problems=(NotFound,)
)
def show_control(path: ControlPath) -> Response:
    """Show one control as it is now."""
    return json_response(ControlView.of(services().compliance.control(path.control_id)))


@routes.get("/evidence", access=COMPLIANCE, returns={200: EvidenceList}, limits=("analytics",))
def list_evidence(query: EvidenceQuery) -> Response:
    """Show what is measured, as it was found."""
    return listed(map(EvidenceView.of, services().compliance.evidence(query.source)))


def _cells(found: Judgement, framework: str) -> list[str]:
    control, evidence = found.control, found.evidence
    cells = [control.id, control.title, control.references[framework], found.status]
    return [cell(text) for text in (*cells, evidence.source, evidence.collected_at)]
