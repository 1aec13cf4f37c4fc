"""`/ops`: the state of the system, read-only, for its operators."""

from typing import TYPE_CHECKING, Annotated, Literal

from flask import Response, current_app
from pydantic import Field

from budgetbuddy.api._body import Query, View
from budgetbuddy.api._http import context, json_response, listed, services
from budgetbuddy.api._routes import Routes
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import ADMIN
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.evidence import Alarm, Dependency, Series, Stage
from budgetbuddy.problems import UpstreamUnavailable

if TYPE_CHECKING:
    from budgetbuddy.settings import Settings

routes = Routes("ops", "/api/v1/ops")
LONGEST_HOURS = 72


class MetricQuery(Query):
    """Which metric, in steps of how many seconds, of the last hours."""

    name: Metric
    period: Literal[60, 300, 900, 3_600] = 300
    hours: Annotated[int, Field(ge=1, le=LONGEST_HOURS)] = 3


class AlarmView(View):
    """An alarm as CloudWatch has it."""

    name: str
    state: str
    since: str
    reason: str

    @classmethod
    def of(cls, alarm: Alarm) -> "AlarmView":
        """The view of an alarm."""
        return cls(**vars(alarm))


class AlarmStateList(View):
    """All alarms of the system, by name."""

    items: list[AlarmView]
    next_cursor: str | None


class PointView(View):
    """One value of a series."""

    at: str
    value: float


class SeriesView(View):
    """One line; `group` is the value of the metric's second dimension."""

    group: str | None
    points: list[PointView]

    @classmethod
    def of(cls, series: Series) -> "SeriesView":
        """The view of a series."""
        points = [PointView(at=at, value=value) for at, value in series.points]
        return cls(group=series.group, points=points)


class SeriesList(View):
    """One series a value of the dimension."""

    items: list[SeriesView]
    next_cursor: str | None


class StageView(View):
    """One stage of the delivery pipeline."""

    name: str
    status: str | None
    changed_at: str | None

    @classmethod
    def of(cls, stage: Stage) -> "StageView":
        """The view of a stage."""
        return cls(name=stage.name, status=stage.status, changed_at=stage.changed_at)


class StageList(View):
    """Stages in their order; none where nothing delivers."""

    items: list[StageView]
    next_cursor: str | None


class DependencyView(View):
    """A provider as the answering process sees it."""

    name: str
    breaker: str
    busy: int
    places: int
    last_failure_at: str | None

    @classmethod
    def of(cls, found: Dependency) -> "DependencyView":
        """The view of a dependency."""
        return cls(
            name=found.name,
            breaker=found.breaker,
            busy=found.busy,
            places=found.places,
            last_failure_at=found.last_failure_at,
        )


class DependencyList(View):
    """Of the answering process only: others may see it otherwise."""

    items: list[DependencyView]
    next_cursor: str | None


class InfoView(View):
    """What is running; `flags` are the settings that change what it does."""

    release: str
    environment: str
    started_at: str
    flags: dict[str, str]


@routes.get("/alarms", access=ADMIN, returns={200: AlarmStateList}, problems=(UpstreamUnavailable,))
def list_alarms() -> Response:
    """List the alarms of the system with their states."""
    services().officers.viewed(context(), "alarms")
    return listed(map(AlarmView.of, services().operations.alarms()))


@routes.get("/metrics", access=ADMIN, returns={200: SeriesList}, problems=(UpstreamUnavailable,))
def show_metric(query: MetricQuery) -> Response:
    """Show one metric of the service: sums of what is counted, maxima of what is measured."""
    services().officers.viewed(context(), "metrics")
    found = services().operations.series(query.name, period_seconds=query.period, hours=query.hours)
    return listed(map(SeriesView.of, found))


@routes.get("/pipeline", access=ADMIN, returns={200: StageList}, problems=(UpstreamUnavailable,))
def show_pipeline() -> Response:
    """Show the stages of the delivery pipeline."""
    services().officers.viewed(context(), "pipeline")
    return listed(map(StageView.of, services().operations.pipeline()))


@routes.get("/dependencies", access=ADMIN, returns={200: DependencyList})
def list_dependencies() -> Response:
    """List how the answering process gets on with the providers it calls."""
    services().officers.viewed(context(), "dependencies")
    return listed(map(DependencyView.of, services().operations.dependencies()))


@routes.get("/info", access=ADMIN, returns={200: InfoView})
def show_info() -> Response:
    """Show which release is running, where and since when."""
    services().officers.viewed(context(), "info")
    settings: Settings = current_app.config["SETTINGS"]
    return json_response(
        InfoView(
            release=settings.release,
            environment=settings.environment,
            started_at=format_instant(current_app.config["STARTED"]),
            flags={
                "pinning": services().pinning(),
                "plaidEnvironment": settings.plaid_environment,
                "metrics": "on" if settings.aws_cloudwatch_enabled else "off",
                "logLevel": settings.log_level,
            },
        )
    )
