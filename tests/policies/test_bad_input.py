"""Files that are broken, hostile or merely unusual: a verdict or a refusal, never a traceback."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guardrails.messages import parse, render
from guardrails.registry import registry
from guardrails.verdicts import Record, Verdict
from guardrails.wire import SECRET, SIGNATURE_KEY

GROUP = "aws:cloudwatch/logGroup:LogGroup"
POLICY = "aws:iam/policy:Policy"
ROOT = "pulumi:pulumi:Stack"
WAIVER = """waivers:
  - {policy: CW-02, urn: "urn:pulumi:dev::app::*aws:cloudwatch/logGroup:LogGroup::l",
     stacks: [dev], reason: "Nobody writes anything into this group yet.", owner: team,
     approver: lead, ticket: SEC-1, compensating_control: none, created: 2026-11-24,
     expires: 2027-05-01}
"""
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def resource(token: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:dev::app::{token}::{name}", "type": token, **fields}


def state(*resources: Any, **whole: Any) -> dict[str, Any]:
    listed = [resource(ROOT, "app-dev"), *resources]
    return {"version": 3, "deployment": {"resources": listed}} | whole


def group(name: str = "l", **inputs: Any) -> dict[str, Any]:
    return resource(GROUP, name, inputs=inputs)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: Any, name: str = "state.json") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.fixture
def check(run: Any, write: Any) -> Any:
    """The verdicts about a state, by control."""

    def check(content: Any, *options: Any) -> dict[str, str]:
        done = run("check", write(content), "--format", "json", *options)
        assert done.stderr == ""
        return {v["control"]: v["verdict"] for v in json.loads(done.stdout)["verdicts"]}

    return check


def test_a_state_cut_off_anywhere_is_refused(run: Any, write: Any) -> None:
    whole = json.dumps(state(group(retentionInDays=400)), indent=4)

    for length in range(1, len(whole) - 1, 17):
        done = run("check", write(whole[:length]))
        assert done.returncode == 2, whole[:length]
        assert "why:" in done.stderr


def test_an_event_stream_cut_off_after_a_whole_line_is_refused(run: Any, write: Any) -> None:
    new = group(retentionInDays=400)
    lines = [
        json.dumps({"resourcePreEvent": {"metadata": {"op": "create", "urn": new["urn"],
                                                      "new": new}}}),
        json.dumps({"summaryEvent": {}}),
    ]  # fmt: skip

    assert run("check", write("\n".join(lines))).returncode == 1
    done = run("check", write(lines[0]))
    assert done.returncode == 2
    assert "truncated" in done.stderr


def test_what_concerns_the_whole_stack_is_judged_without_its_root(check: Any) -> None:
    thing = resource("aws:new/thing:Thing", "t")

    rooted = check(state(thing))
    rootless = check({"version": 3, "deployment": {"resources": [thing]}})

    assert rootless == rooted
    assert rootless["ACC-10"] == "FAIL"


@pytest.mark.parametrize("resources", [[], [group()], [{"urn": "odd", "type": GROUP}]])
def test_waivers_are_read_beside_any_state(check: Any, write: Any, resources: Any) -> None:
    waivers = write(WAIVER, "waivers.yaml")

    found = check({"version": 3, "deployment": {"resources": resources}}, "--waivers", waivers)

    assert found.get("CW-02", "none") == ("NOT_APPLICABLE" if not resources else found["CW-02"])
    assert "ERROR" not in found.values()


@pytest.mark.parametrize(
    "deployment", [None, 7, [], "text", {"resources": 7}, {"resources": [{"urn": "", "type": ""}]}]
)
def test_a_state_without_resources_to_read_is_refused(
    run: Any, write: Any, deployment: Any
) -> None:
    assert run("check", write({"version": 3, "deployment": deployment})).returncode == 2


def test_an_empty_stack_is_judged(check: Any) -> None:
    for deployment in ({}, {"resources": None}, {"resources": []}):
        assert set(check({"version": 3, "deployment": deployment}).values()) == {"NOT_APPLICABLE"}


@pytest.mark.parametrize("version", [None, "3", 1, 2, 5, 99])
def test_a_state_of_another_engine_version_is_refused(run: Any, write: Any, version: Any) -> None:
    done = run("check", write(state(version=version)))

    assert done.returncode == 2
    assert "another engine version" in done.stderr


@pytest.mark.parametrize("plaintext", ["{", "", 7, None, {"a": 1}])
def test_a_secret_that_cannot_be_read_is_unknown(check: Any, plaintext: Any) -> None:
    secret = {SIGNATURE_KEY: SECRET, "plaintext": plaintext}

    assert check(state(group(retentionInDays=secret)))["CW-01"] == "UNKNOWN"


def test_a_value_nested_beyond_reading_is_refused(run: Any, write: Any) -> None:
    text = json.dumps(state(group(tags="@"))).replace('"@"', "[" * 700 + "]" * 700)

    done = run("check", write(text))

    assert done.returncode == 2
    assert "nested too deeply" in done.stderr


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1" + "0" * 400])
def test_a_number_that_is_none_fails(check: Any, number: str) -> None:
    text = json.dumps(state(group(retentionInDays="@"))).replace('"@"', number)

    assert check(text)["CW-01"] == "FAIL"


@pytest.mark.parametrize("name", ["\\ud800", "\\u0000", "\\u001b[2J", "\\ufffe", "a\\nb", "]]>"])
@pytest.mark.parametrize("form", ["table", "json", "sarif", "junit"])
def test_a_name_of_odd_characters_is_reported_in_every_format(
    run: Any, write: Any, name: str, form: str
) -> None:
    text = json.dumps(state(group("@"))).replace("@", name)

    done = run("check", write(text), "--format", form)

    assert done.returncode == 1
    assert done.stdout.encode()
    assert "\x1b" not in done.stdout
    if form == "junit":
        assert ET.fromstring(done.stdout).tag == "testsuites"  # noqa: S314 - our own


def test_a_path_of_spaces_and_line_ends_keeps_the_message_in_one_line() -> None:
    control = registry()["SEC-05"]
    record = Record(
        control="SEC-05", policy="sec-05", urn="u", verdict=Verdict.FAIL,
        path="tags.cost center\nSEC-05 PASS x: y", found="a literal",
    )  # fmt: skip

    said = parse(f"{control.title}\n{render(record, control)}")

    assert said is not None
    assert (said["verdict"], said["found"]) == ("FAIL", "a literal")


@pytest.mark.parametrize(
    "text",
    [
        "waivers: [{policy: [1]}]",
        "waivers: [7]",
        "waivers: " + "[" * 500,
        "waivers: [{policy: CW-02, created: 2026-13-45}]",
        "? [a]\n: b",
        "1: 2\na: 3",
        "{",
        "\ttext",
        WAIVER.replace("policy: CW-02", "policy: [CW-02]"),
        WAIVER.replace("policy: CW-02", "policy: {CW-02: 1}"),
    ],
)
def test_a_waiver_file_that_is_none_is_a_finding(check: Any, write: Any, text: str) -> None:
    found = check(state(group()), "--waivers", write(text, "waivers.yaml"))

    assert found["waiver-malformed"] == "FAIL"
    assert found["CW-02"] == "FAIL"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "JSONDecodeError"),
        ("[" * 100_000, "RecursionError"),
        ("[]", "not in the catalogue"),
        ({"cw-99": {}}, "not in the catalogue"),
        ({"cw-01": {"days": "400"}}, "cw-01.days is not of the type number"),
        ({"cw-01": {"days": True}}, "cw-01.days is not of the type number"),
        ({"cw-01": {"days": -1}}, "cw-01.days is not of the type number"),
        ({"cw-01": {"day": 400}}, "cw-01 has no option day"),
        ({"ecs-13": {"registries": "x"}}, "ecs-13.registries is not of the type array"),
        ({"ecs-13": {"registries": [7]}}, "ecs-13.registries is not of the type array"),
        ({"ct-01": {"heldIn": 7}}, "ct-01.heldIn is not of the type string"),
        ({"vpc-05-stack": {"days": 1}}, "vpc-05-stack has no option days"),
        ({"cw-01": "sometimes"}, "cw-01 has no such level"),
        ({"cw-01": {"enforcementLevel": 7}}, "cw-01 has no such level"),
        ({"all": None}, "all has no such level"),
    ],
)
def test_a_configuration_the_engine_would_not_understand_is_refused(
    run: Any, write: Any, content: Any, why: str
) -> None:
    done = run("check", write(state(group())), "--config", write(content, "config.json"))

    assert done.returncode == 2
    assert why in done.stderr


@pytest.mark.parametrize(
    ("content", "code", "judged"),
    [
        ({"all": "disabled", "cw-02": "mandatory"}, 1, {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-02": "remediate"}, 1, {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-02": "advisory"}, 0, {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-02": "advisory", "cw-02-stack": "mandatory"}, 1,
         {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-02": "advisory", "cw-02-stack": "advisory"}, 0,
         {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-02-stack": {"enforcementLevel": "advisory"}}, 0,
         {"CW-02": "FAIL"}),
        ({"all": "disabled", "cw-01": {"enforcementLevel": "mandatory", "days": 30}}, 0,
         {"CW-01": "NOT_APPLICABLE"}),
        ({"all": "disabled", "cw-01-stack": "mandatory", "cw-01": {"days": 30}}, 0,
         {"CW-01": "PASS"}),
        ({"all": "disabled"}, 0, {}),
    ],
)  # fmt: skip
def test_a_level_counts_as_it_does_for_the_engine(
    run: Any, write: Any, content: Any, code: int, judged: dict[str, str]
) -> None:
    path, config = write(state(group(retentionInDays=30))), write(content, "config.json")
    done = run("check", path, "--config", config, "--format", "json", "--waivers", write("", "w"))

    found = {v["control"]: v["verdict"] for v in json.loads(done.stdout)["verdicts"]}
    assert (done.returncode, found) == (code, judged)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    key=st.sampled_from(
        ["inputs", "outputs", "parent", "provider", "dependencies", "propertyDependencies", "id",
         "protect", "ignoreChanges", "external", "delete", "custom"]
    ),
    value=ANYTHING,
)  # fmt: skip
def test_no_field_of_a_resource_crashes_the_reader(
    run: Any, write: Any, key: str, value: Any
) -> None:
    odd = group(retentionInDays=400) | {key: value}

    done = run("check", write(state(odd)), "--format", "json")

    is_gone = key == "delete" and value is True
    assert done.returncode in ((0,) if is_gone else (1, 2))
    assert "ERROR" not in done.stdout.replace('"ERROR": 0', "")


def test_a_listing_a_page_and_a_summary_exit_zero(run: Any, tmp_path: Path) -> None:
    assert run("controls").returncode == 0
    assert run("controls", "--format", "json").returncode == 0
    assert run("controls", "CW-01").returncode == 0
    assert run("controls", "CW-99").returncode == 2
    assert run("controls", "--pages", tmp_path / "deep" / "pages").returncode == 0
    assert (tmp_path / "deep" / "pages" / "CW-01.md").exists()
    assert run().returncode == 2


def test_a_reader_that_goes_away_is_no_error(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    def closed(*_: Any) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("guardrails.cli.print_controls", closed)

    assert run("controls").returncode == 0
