"""Evidence: what was measured, when, and by whom. What could not be measured has no value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import Clock
from budgetbuddy.problems import Problem


class EvidenceSource(StrEnum):
    """Where evidence comes from."""

    RECOVERY = "point-in-time-recovery"
    BACKUPS = "backups"
    ENCRYPTION = "encryption"
    ROTATION = "key-rotation"
    PROTECTION = "deletion-protection"
    ALARMS = "alarms"
    POLICIES = "policy-bundle"
    CHAINS = "audit-chains"
    PRIVILEGED = "privileged-users"
    ERASURES = "erasures"
    DATA_MAP = "data-map"
    RESTORE = "restore-test"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`value` is JSON, None when it could not be had; `collected_at` is RFC 3339."""

    source: EvidenceSource
    value: Mapping[str, Any] | None
    collected_at: str


class Collector(Protocol):
    """Measures; never raises because something cannot be measured."""

    def collect(self, source: EvidenceSource) -> Evidence:
        """One source, now."""


Probe = Callable[[], Mapping[str, Any] | None]


@dataclass(frozen=True, kw_only=True)
class Probes:
    """Implements `Collector`: a source without a probe is one that nobody measures."""

    probes: Mapping[EvidenceSource, Probe]
    clock: Clock

    def collect(self, source: EvidenceSource) -> Evidence:
        """A probe that cannot measure now leaves no value."""
        probe = self.probes.get(source)
        try:
            value = probe() if probe is not None else None
        except Problem:
            value = None
        return Evidence(source=source, value=value, collected_at=format_instant(self.clock()))


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """`state` as CloudWatch says it: OK, ALARM or INSUFFICIENT_DATA; `since` is RFC 3339."""

    name: str
    state: str
    since: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Series:
    """Pairs of instant (RFC 3339) and value; `group` is the value of the second dimension."""

    group: str | None
    points: Sequence[tuple[str, float]]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the delivery pipeline; `status` as CodePipeline says it, None before any run."""

    name: str
    status: str | None
    changed_at: str | None


@dataclass(frozen=True, kw_only=True)
class Dependency:
    """How this process gets on with one provider."""

    name: str
    breaker: str
    busy: int
    places: int
    last_failure_at: str | None


class Operations(Protocol):
    """The state of the system. Methods raise `UpstreamUnavailable`."""

    def alarms(self) -> Sequence[Alarm]:
        """Our own, by name."""

    def series(self, name: str, *, period_seconds: int, hours: int) -> Sequence[Series]:
        """A metric of the contract, one series a value of its dimension."""

    def pipeline(self) -> Sequence[Stage]:
        """Stages in their order; none where nothing delivers."""

    def dependencies(self) -> Sequence[Dependency]:
        """The providers that this process calls."""
