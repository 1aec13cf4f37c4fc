"""Every metric is emitted as declared; a log line holds allowed fields and nothing personal."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from budgetbuddy import telemetry
from budgetbuddy.contract import METRICS, NAMESPACE, Metric
from budgetbuddy.domain.services import Services
from budgetbuddy.problems import Unavailable
from budgetbuddy.security import passwords
from budgetbuddy.telemetry import FIELDS, Telemetry, configure, count, emit, log

from ..conftest import PASSWORD, Caller, ManualClock, mailed_code  # noqa: TID252 - fixtures' module

Records = Callable[[], list[dict[str, Any]]]


def emitted(records: Records) -> dict[str, tuple[str, frozenset[tuple[str, ...]]]]:
    """By metric, the unit and the dimension sets it was emitted with."""
    found: dict[str, tuple[str, frozenset[tuple[str, ...]]]] = {}
    for line in records():
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == NAMESPACE
            sets = frozenset(map(tuple, directive["Dimensions"]))
            for definition in directive["Metrics"]:
                name = definition["Name"]
                assert isinstance(line[name], int | float)
                assert all(dimension in line for names in sets for dimension in names)
                found[name] = (definition["Unit"], sets)
    return found


@pytest.mark.parametrize("spec", METRICS, ids=lambda spec: spec.metric)
def test_a_metric_has_its_declared_unit_and_dimensions(
    lines: StringIO, records: Records, spec: Any
) -> None:
    del lines
    count(spec.metric, dimension="value" if spec.dimension else None)

    expected: set[tuple[str, ...]] = {("Environment",)}
    if spec.dimension:
        expected.add(("Environment", str(spec.dimension)))
    assert emitted(records) == {str(spec.metric): (spec.unit, frozenset(expected))}


def test_the_contract_specifies_each_metric_once() -> None:
    assert sorted(spec.metric for spec in METRICS) == sorted(Metric)


def test_every_metric_has_a_place_that_emits_it() -> None:
    root = Path(telemetry.__file__).parent
    sources = [p.read_text() for p in root.rglob("*.py") if p.name != "contract.py"]

    unused = [m for m in Metric if not any(f"Metric.{m.name}" in text for text in sources)]
    assert unused == []


def test_a_metric_without_the_value_of_its_dimension_is_an_error(lines: StringIO) -> None:
    del lines
    with pytest.raises(ValueError, match="needs a value"):
        count(Metric.RATE_LIMITED)


def test_switched_off_no_metric_is_written() -> None:
    stream = StringIO()
    configure(Telemetry(emit_metrics=False, stream=stream))
    emit({Metric.REQUEST_COUNT: 1}, dimension="auth")
    configure(Telemetry())

    assert stream.getvalue() == ""


def test_a_request_leaves_one_log_line_and_one_metric_line(
    client: FlaskClient, records: Records
) -> None:
    client.get("/health/live", headers={"X-Request-ID": "abcdefgh", "User-Agent": "tests"})
    log_lines = [line for line in records() if line.get("event") == "request"]
    metric_lines = [line for line in records() if "RequestCount" in line]

    (line,) = log_lines
    assert line["requestId"] == "abcdefgh"
    assert (line["route"], line["method"], line["status"]) == ("/health/live", "GET", 200)
    assert (line["area"], line["level"], line["userAgent"]) == ("health", "info", "tests")
    assert line["ts"].endswith("Z")
    (metrics,) = metric_lines
    assert metrics["Area"] == "health"
    assert (metrics["RequestCount"], metrics["ServerErrorCount"]) == (1, 0)


def test_a_path_nobody_serves_is_one_area_and_not_thousands(
    client: FlaskClient, records: Records
) -> None:
    for number in range(3):
        client.get(f"/nothing/{number}")

    assert {line["Area"] for line in records() if "Area" in line} == {"none"}


@pytest.mark.parametrize(
    ("header", "value", "trace"),
    [
        ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01", "a" * 32),
        ("X-Amzn-Trace-Id", "Root=1-67891233-abcdef012345678912345678", None),
        ("traceparent", "nonsense", ""),
    ],
)
def test_the_trace_id_of_the_caller_is_kept(
    client: FlaskClient, records: Records, header: str, value: str, trace: str | None
) -> None:
    client.get("/health/live", headers={header: value})
    (line,) = [line for line in records() if line.get("event") == "request"]

    expected = value.removeprefix("Root=") if trace is None else trace or None
    assert line.get("traceId") == expected


def test_levels_follow_the_status(
    client: FlaskClient, records: Records, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/nothing")
    client.get("/api/v1/users/me")
    monkeypatch.setitem(app.view_functions, "health_live", lambda: 1 / 0)
    client.get("/health/live")

    found = {line["status"]: line for line in records() if line.get("event") == "request"}
    assert {status: line["level"] for status, line in found.items()} == {
        404: "info",
        401: "warning",
        500: "error",
    }
    assert found[500]["errorClass"] == "ZeroDivisionError"
    assert "test_telemetry.py" in found[500]["stack"]


def test_a_whole_life_leaves_nothing_personal_in_the_log(
    sign_up: Callable[..., Caller],
    anonymous: Caller,
    lines: StringIO,
    records: Records,
    clock: ManualClock,
) -> None:
    ann = sign_up("ann@example.com", displayName="Ann Secretname")
    code = mailed_code("ann@example.com")
    anonymous("POST", "/auth/login", {"email": "ann@example.com", "password": "wrong-secret"})
    anonymous("POST", "/auth/login", {"email": "bob@example.com", "password": "wrong-secret"})
    anonymous("POST", "/auth/login?email=query@example.com", {})
    first = ann.session["refreshToken"]
    anonymous("POST", "/auth/refresh", {"refreshToken": first})
    clock.advance(seconds=11)
    anonymous("POST", "/auth/refresh", {"refreshToken": first})
    ann("GET", "/users/me")

    text = lines.getvalue()
    user_id = ann.session["user"]["id"]
    for secret in (
        "ann@example.com", "bob@example.com", "query@example.com", "Secretname", PASSWORD,
        "wrong-secret", code, first, ann.token, user_id,
    ):  # fmt: skip
        assert secret not in text
    for line in records():
        if "_aws" not in line:
            assert set(line) <= FIELDS
    found = emitted(records)
    for metric in (
        Metric.AUTH_SUCCEEDED, Metric.AUTH_FAILED, Metric.REFRESH_REUSE_DETECTED,
        Metric.AUTHORIZATION_DENIED, Metric.AUDIT_EVENT_WRITTEN, Metric.REQUEST_LATENCY,
    ):  # fmt: skip
        assert str(metric) in found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a.b+c@example.com said", "*** said"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "***"),
        ("bb_rt_abcDEF-123 bb_pat_x", "*** ***"),
        ("sk_live_123 whsec_abc", "*** ***"),
        ("4111 1111 1111 1111", "***"),
        ("1234567890123", "1234567890123"),
        ("line\r\nforged\x1b[31m", "line\\u000d\\u000aforged\\u001b[31m"),
        ("\u202eevil", "\\u202eevil"),
    ],
)
def test_a_second_net_masks_what_looks_like_a_secret(
    lines: StringIO, records: Records, text: str, shown: str
) -> None:
    del lines
    log("event", code=text, surprise=text)

    (line,) = records()
    assert line["code"] == shown
    assert "surprise" not in line


def test_a_gate_that_is_full_refuses_and_counts(
    wired: Services, records: Records, lines: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    del lines
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.01)
    hasher = passwords.Argon2Passwords(passwords.Argon2Cost(memory_kib=8, passes=1))
    for _ in range(passwords.AT_ONCE):
        hasher._gate.acquire()  # noqa: SLF001 - stands for a hash that takes long

    with pytest.raises(Unavailable):
        hasher.hash("x" * 12)
    assert "PasswordHashRejected" in emitted(records)
    del wired
