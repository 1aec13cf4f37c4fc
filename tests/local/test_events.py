from __future__ import annotations

import io
import json
import subprocess
import sys

from localcloud.events import Failure, read_events

COLOURED = "<{%red%}>boom<{%reset%}>\n"
ERROR = {
    "diagnosticEvent": {
        "severity": "error",
        "urn": "urn:a",
        "message": "<{%red%}>boom<{%reset%}>\n",
    }
}
WARNING = {"diagnosticEvent": {"severity": "warning", "urn": "urn:a", "message": "careful"}}
RESOURCE = {"resourcePreEvent": {"metadata": {"urn": "urn:a"}}}


def violation(level: str) -> dict[str, object]:
    message = f"<{{%reset%}}>a {level} rule"
    return {"policyEvent": {"enforcementLevel": level, "resourceUrn": "urn:b", "message": message}}


def read(*lines: object, stderr: str = "", code: int = 0) -> tuple[list[Failure], bytes]:
    """What is made of a process that prints these events (or raw text) and ends with `code`."""
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    script = "import sys; sys.stdout.write(sys.argv[1]); sys.stderr.write(sys.argv[2])"
    sink = io.BytesIO()
    with subprocess.Popen(
        [sys.executable, "-c", f"{script}; sys.exit({code})", text, stderr],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        failures = read_events(process, sink)
        assert process.returncode == code
    assert sink.getvalue() == text.encode()
    return failures, sink.getvalue()


def test_errors_and_mandatory_violations_are_failures_without_colours() -> None:
    failures, _ = read(RESOURCE, ERROR, violation("mandatory"))

    assert failures == [Failure("boom", "urn:a"), Failure("a mandatory rule", "urn:b")]


def test_what_only_follows_from_a_failure_is_not_counted_again() -> None:
    echoes = [
        {"diagnosticEvent": {"severity": "error", "message": message}}
        for message in (
            "preview failed\n",
            "Program failed with an unhandled exception:\n… resource monitor shut down",
            "awsx:ec2:Vpc resource 'vpc' has a problem: grpc: the client connection is closing",
        )
    ]

    failures, _ = read(ERROR, *echoes, code=255)

    assert failures == [Failure("boom", "urn:a")]


def test_warnings_and_advice_are_none() -> None:
    failures, _ = read(WARNING, violation("advisory"), {"diagnosticEvent": {"severity": "error"}})

    assert failures == []


def test_half_lines_and_strange_lines_are_kept_and_passed_over() -> None:
    half = json.dumps(ERROR)[:40]

    failures, kept = read('"text"', "[1]", "", "not json", violation("mandatory"), half)

    assert failures == [Failure("a mandatory rule", "urn:b")]
    assert kept.endswith(half.encode())


def test_an_engine_that_only_complains_on_stderr_is_heard() -> None:
    complaint = "warning: using pulumi-resource-aws from $PATH\nerror: state is locked\n"

    failures, _ = read(RESOURCE, stderr=complaint, code=255)

    assert failures == [Failure("error: state is locked")]


def test_words_on_stderr_of_a_good_run_are_no_failure() -> None:
    failures, _ = read(RESOURCE, stderr="a note\n")

    assert failures == []
