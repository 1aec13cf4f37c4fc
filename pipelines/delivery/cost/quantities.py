"""How much of something one resource uses in a month, read from its inputs.

Each function takes the resource, every resource of the stack, and the hours of a month.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SERVICE = "aws:ecs/service:Service"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
SUBNET = "aws:ec2/subnet:Subnet"
CPU_UNITS = 1024  # of one vCPU
MEBIBYTES = 1024  # of one GB, as Fargate counts
SPOT = "FARGATE_SPOT"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A resource as a preview has it (`type`, `urn`, `inputs`), among those of its stack."""

    resource: Mapping[str, Any]
    stack: Sequence[Mapping[str, Any]]
    hours: float

    @property
    def inputs(self) -> Mapping[str, Any]:
        """What the program asked for."""
        found: Mapping[str, Any] = self.resource.get("inputs") or {}
        return found

    def beside(self, kind: str) -> list[Mapping[str, Any]]:
        """Resources of a type in the same stack."""
        return [each for each in self.stack if each["type"] == kind]


def _one(_subject: Subject) -> float:
    return 1.0


def _hours(subject: Subject) -> float:
    return subject.hours


def _name(resource: Mapping[str, Any]) -> str:
    return str(resource["urn"]).rpartition("::")[2]


def _task(subject: Subject) -> Mapping[str, Any]:
    """The task definition of a service: it has the service's logical name."""
    name = _name(subject.resource)
    found = [each["inputs"] for each in subject.beside(TASK) if _name(each) == name]
    return found[0] if found else {}


def _tasks(subject: Subject, *, spot: bool) -> float:
    """Tasks at rest on or off Spot: the base first, the rest by weight."""
    total = float(subject.inputs.get("desiredCount") or 0)
    strategies = subject.inputs.get("capacityProviderStrategies") or [{"capacityProvider": ""}]
    base = {each["capacityProvider"]: float(each.get("base") or 0) for each in strategies}
    weight = {each["capacityProvider"]: float(each.get("weight") or 0) for each in strategies}
    rest = max(total - sum(base.values()), 0.0)
    shares = sum(weight.values()) or 1.0
    on_spot = min(base.get(SPOT, 0.0), total) + rest * weight.get(SPOT, 0.0) / shares
    return on_spot if spot else total - on_spot


def _vcpu_hours(subject: Subject, *, spot: bool) -> float:
    vcpus = float(_task(subject).get("cpu") or 0) / CPU_UNITS
    return _tasks(subject, spot=spot) * vcpus * subject.hours


def _gigabyte_hours(subject: Subject, *, spot: bool) -> float:
    gigabytes = float(_task(subject).get("memory") or 0) / MEBIBYTES
    return _tasks(subject, spot=spot) * gigabytes * subject.hours


def _endpoint_zone_hours(subject: Subject) -> float:
    """Gateway endpoints cost nothing; an interface has an address in each of its subnets."""
    if subject.inputs.get("vpcEndpointType") != "Interface":
        return 0.0
    return len(_listed(subject.inputs.get("subnetIds"))) * subject.hours


def _listed(value: Any) -> list[Any]:
    """A list whose very length is unknown counts as one."""
    return value if isinstance(value, list) else [value]


def _balancer_address_hours(subject: Subject) -> float:
    """A load balancer that faces the internet has an address in each public subnet."""
    if subject.inputs.get("internal"):
        return 0.0
    public = [each for each in subject.beside(SUBNET) if each["inputs"].get("mapPublicIpOnLaunch")]
    return len(public) * subject.hours


def _rules(subject: Subject) -> float:
    return float(len(subject.inputs.get("rules") or ()))


def _alarm_metrics(subject: Subject) -> float:
    """Metric math is charged for each metric that it reads."""
    queries = subject.inputs.get("metricQueries") or ()
    return float(len([each for each in queries if each.get("metric") is not None]) or 1)


def _health_check_features(subject: Subject) -> float:
    inputs = subject.inputs
    features = (
        str(inputs.get("type", "")).startswith("HTTPS"),
        bool(inputs.get("searchString")),
        inputs.get("requestInterval") == 10,  # noqa: PLR2004 - seconds, the fast interval
        bool(inputs.get("measureLatency")),
    )
    return float(sum(features))


def _is_daily(subject: Subject) -> bool:
    mode = subject.inputs.get("recordingMode") or {}
    return bool(mode.get("recordingFrequency") == "DAILY")


QUANTITIES: Mapping[str, Callable[[Subject], float]] = {
    "one": _one,
    "hours": _hours,
    "on-demand-vcpu-hours": lambda subject: _vcpu_hours(subject, spot=False),
    "on-demand-gigabyte-hours": lambda subject: _gigabyte_hours(subject, spot=False),
    "spot-vcpu-hours": lambda subject: _vcpu_hours(subject, spot=True),
    "spot-gigabyte-hours": lambda subject: _gigabyte_hours(subject, spot=True),
    "endpoint-zone-hours": _endpoint_zone_hours,
    "balancer-address-hours": _balancer_address_hours,
    "rules": _rules,
    "alarm-metrics": _alarm_metrics,
    "health-check-features": _health_check_features,
    "recorded-daily": lambda subject: float(_is_daily(subject)),
    "recorded-at-once": lambda subject: float(not _is_daily(subject)),
}
