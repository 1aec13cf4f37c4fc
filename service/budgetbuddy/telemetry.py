"""Logs and metrics, both as JSON lines on standard output.

One canonical log line a request, with allow-listed fields only; metrics as CloudWatch embedded
metric format, so that no call to CloudWatch lies on the request path. Nothing a client sent, no
header but the user agent and no personal text is ever a field.
"""

import re
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO, Any

import orjson
import structlog

from budgetbuddy.contract import METRICS, NAMESPACE, Dimension, Metric, MetricSpec

FIELDS = frozenset(
    [
        "ts",
        "level",
        "event",
        "requestId",
        "traceId",
        "service",
        "version",
        "environment",
        "area",
        "method",
        "route",
        "status",
        "code",
        "durationMs",
        "storeCalls",
        "rcu",
        "wcu",
        "retries",
        "subject",
        "sessionId",
        "tokenId",
        "actorRole",
        "clientIp",
        "userAgent",
        "bytesIn",
        "bytesOut",
        "idempotent",
        "attempt",
        "job",
        "dependency",
        "errorClass",
        "stack",
        "seq",
    ]
)
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30}
MASK = "***"
_SERVER_ERROR = 500
_SUSPICIOUS = frozenset({401, 403, 429})
STACK_FRAMES = 12
LONGEST_TEXT = 200  # characters of a user agent

_SPECS: Mapping[Metric, MetricSpec] = {spec.metric: spec for spec in METRICS}
_write_lock = threading.Lock()
_line: ContextVar[dict[str, Any] | None] = ContextVar("request_line", default=None)

# The second net below the allow-list: what looks like a secret or a person, wherever it stands.
_SENSITIVE = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*"  # JWT
    r"|bb_(?:pat|rt)_[\w-]+"
    r"|(?:sk|rk|whsec)_\w+"
    r"|access-(?:sandbox|production)-[\w-]+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
)
_DIGITS = re.compile(r"[0-9](?:[ -]?[0-9]){12,18}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """What every line of this process shares. `stream` is standard output but in tests."""

    environment: str = "test"
    release: str = "unknown"
    emit_metrics: bool = False
    level: str = "INFO"
    service: str = "api"  # or "worker"
    stream: IO[str] | None = None


_active = Telemetry()


def configure(telemetry: Telemetry) -> None:
    """Set up logging for this process; the last call wins."""
    global _active  # noqa: PLW0603 - one process, one standard output
    _active = telemetry
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamp,
            _allow_listed,
            _masked,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[telemetry.level]),
        logger_factory=lambda *_: _Lines(),
        cache_logger_on_first_use=False,
    )


def log(event: str, *, level: str = "info", **fields: Any) -> None:
    """One log line beside the canonical one, e.g. `security.rate_limited`."""
    getattr(structlog.get_logger(), level)(event, **fields)


# --- The canonical line --------------------------------------------------------------------------


@contextmanager
def request_line() -> Iterator[dict[str, Any]]:
    """Collects the fields of one request; `note` adds to them from anywhere below."""
    fields: dict[str, Any] = {"storeCalls": 0, "rcu": 0.0, "wcu": 0.0, "retries": 0}
    token = _line.set(fields)
    try:
        yield fields
    finally:
        _line.reset(token)


def note(**fields: Any) -> None:
    """Set fields of the current request's line; outside a request it has no effect."""
    if (line := _line.get()) is not None:
        line.update(fields)


def note_error(exc: BaseException) -> None:
    """An error nobody foresaw: class and place go to the line, nothing of its text."""
    frames = traceback.extract_tb(exc.__traceback__)[-STACK_FRAMES:]
    stack = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in reversed(frames))
    note(errorClass=type(exc).__qualname__, stack=stack, code="internal_error")
    count(Metric.UNHANDLED_ERROR)


def tally(**amounts: float) -> None:
    """Add to counters of the current request's line."""
    if (line := _line.get()) is not None:
        for name, amount in amounts.items():
            line[name] = line.get(name, 0) + amount


def write_request_line(status: int) -> str:
    """Write the canonical line of the request that ends, and return its area."""
    fields = dict(_line.get() or {})
    area = str(fields.setdefault("area", "none"))
    level = "info"
    if status >= _SERVER_ERROR:
        level = "error"
    elif status in _SUSPICIOUS:
        level = "warning"
    log("request", level=level, **fields)
    return area


# --- Metrics -------------------------------------------------------------------------------------


def count(metric: Metric, amount: float = 1, *, dimension: str | None = None) -> None:
    """Emit one metric; `dimension` is the value of its second dimension, if it has one."""
    emit({metric: amount}, dimension=dimension)


def emit(values: Mapping[Metric, float], *, dimension: str | None = None) -> None:
    """Emit metrics in one line. All that have a second dimension must share it and its value."""
    if not _active.emit_metrics:
        return
    document: dict[str, Any] = {str(Dimension.ENVIRONMENT): _active.environment}
    directives: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for metric, amount in values.items():
        spec = _SPECS[metric]
        names = [str(Dimension.ENVIRONMENT)]
        if spec.dimension is not None:
            if dimension is None:
                raise ValueError(f"{metric} needs a value for {spec.dimension}")
            names.append(str(spec.dimension))
            document[str(spec.dimension)] = dimension
        definition = {"Name": str(metric), "Unit": spec.unit}
        directives.setdefault(tuple(names), []).append(definition)
        document[str(metric)] = amount
    document["_aws"] = {
        "Timestamp": time.time_ns() // 1_000_000,
        "CloudWatchMetrics": [_directive(names, of) for names, of in directives.items()],
    }
    _write_line(_dumps(document))


def _directive(names: tuple[str, ...], metrics: list[dict[str, str]]) -> dict[str, Any]:
    sets = [list(names[:length]) for length in range(1, len(names) + 1)]
    return {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}


# --- Processors ----------------------------------------------------------------------------------


class _Lines:
    """The logger below structlog: writes finished lines."""

    def msg(self, line: str) -> None:
        _write_line(line)

    debug = info = warning = error = critical = msg


def _write_line(line: str) -> None:
    stream = _active.stream or sys.stdout
    with _write_lock:  # lines of parallel threads must not interleave
        stream.write(line + "\n")
        stream.flush()


def _dumps(document: object, **_: Any) -> str:
    return orjson.dumps(document).decode()


def _stamp(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    now = time.time_ns() // 1_000_000
    seconds, millis = divmod(now, 1_000)
    fields["ts"] = time.strftime(f"%Y-%m-%dT%H:%M:%S.{millis:03d}Z", time.gmtime(seconds))
    fields["service"] = _active.service
    fields["version"] = _active.release
    fields["environment"] = _active.environment
    return fields


def _allow_listed(_: object, __: str, fields: MutableMapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in FIELDS and value is not None}


def _masked(_: object, __: str, fields: MutableMapping[str, Any]) -> dict[str, Any]:
    return {name: _clean(name, value) for name, value in fields.items()}


def _clean(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value if name == "stack" else value[:LONGEST_TEXT]
    text = _SENSITIVE.sub(MASK, text)
    text = _DIGITS.sub(lambda match: MASK if _luhn(match.group()) else match.group(), text)
    return _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0
