"""What each file of a bundle says of one small report that holds every verdict."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from guardrails.evidence import bundle
from guardrails.frameworks import Relation
from guardrails.registry import registry
from guardrails.report import Report, build
from guardrails.terminal import print_report
from guardrails.verdicts import Record, Severity, Verdict
from guardrails.waivers import ExpectedUnknown, Waivers

BASE = "urn:pulumi:prod::shop::"
LEDGER, CARDS = (f"{BASE}aws:dynamodb/table:Table::{name}" for name in ("ledger", "cards"))
KEY = f"{BASE}shop:Vault$aws:kms/key:Key::k"
SEVERITIES = dict(zip(("DDB-01", "DDB-02", "DDB-06", "KMS-01"), Severity, strict=True))
EXPECTED = ExpectedUnknown(control="DDB-06", urn=CARDS, path="*", reason="decided by AWS")


def record(control: str, urn: str, verdict: Verdict, **more: str) -> Record:
    return Record(control=control, policy=control.lower(), urn=urn, verdict=verdict, **more)


RECORDS = (
    record("DDB-01", LEDGER, Verdict.FAIL, path="pointInTimeRecovery", found="<i>off</i>"),
    record("DDB-01", CARDS, Verdict.PASS),
    record("DDB-02", LEDGER, Verdict.WAIVED, found="no key", waiver="RISK-7"),
    record("DDB-02", CARDS, Verdict.NOT_APPLICABLE),
    record("DDB-06", LEDGER, Verdict.UNKNOWN, path="policy", found="not known yet"),
    record("DDB-06", CARDS, Verdict.UNKNOWN, path="policy", found="not known yet"),
    record("KMS-01", KEY, Verdict.ERROR, found="the check broke"),
    record("KMS-01", "", Verdict.PASS, found="fine"),
    record("waiver-unused", "", Verdict.FAIL, found="nothing to waive", expected="in use"),
)


def made(*records: Record, problems: tuple[str, ...] = ()) -> Report:
    controls = {
        key: replace(registry()[key], severity=severity) for key, severity in SEVERITIES.items()
    }
    header = {"project": "shop", "stack": "prod", "started": 1_795_516_282, "resources": 3,
              "controls": 4, "packs": {}, "git": {}, "judgedOn": "2026-11-24", "source": "a test",
              "waivers": []}  # fmt: skip
    waivers = Waivers(expected_unknown=(EXPECTED,))
    rest = {"header": header, "problems": list(problems)}
    return build(records, controls, waivers, date(2026, 11, 24), **rest)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    bundle.write(made(*RECORDS), directory)
    return directory


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("DDB-01", LEDGER), ("fail", "error", "pointInTimeRecovery: <i>off</i>")),
        (("DDB-01", CARDS), ("pass", "none", "(resource): pass")),
        (("DDB-02", LEDGER), ("fail", "error", "(resource): no key")),
        (("DDB-02", CARDS), ("notApplicable", "none", "(resource): not applicable")),
        (("DDB-06", LEDGER), ("open", "none", "policy: not known yet")),
        (("KMS-01", "(stack)"), ("pass", "none", "(resource): fine")),
        (("waiver-unused", "(stack)"), ("fail", "error", "(resource): nothing to waive")),
    ],
)
def test_a_sarif_result_says_what_the_record_says(
    written: Path, key: tuple[str, str], expected: tuple[str, str, str]
) -> None:
    (run,) = load(written / "evidence.sarif")["runs"]
    (found,) = [r for r in run["results"] if key == (r["ruleId"], place(r))]

    assert (found["kind"], found["level"], found["message"]["text"]) == expected


def test_only_what_is_waived_is_suppressed_in_sarif(written: Path) -> None:
    (run,) = load(written / "evidence.sarif")["runs"]
    suppressed = [(r["ruleId"], r["suppressions"]) for r in run["results"] if "suppressions" in r]

    assert suppressed == [("DDB-02", [{"kind": "external", "justification": "RISK-7"}])]


def place(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"])


def test_sarif_reports_errors_as_a_failed_execution(written: Path) -> None:
    (run,) = load(written / "evidence.sarif")["runs"]
    (invocation,) = run["invocations"]
    (notice,) = invocation["toolExecutionNotifications"]

    assert invocation["executionSuccessful"] is False
    assert notice["message"]["text"] == "KMS-01: the check broke"
    assert place(notice) == KEY
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(SEVERITIES)
    assert len(run["results"]) == len(RECORDS) - 1


def test_an_execution_succeeds_without_errors_and_problems(tmp_path: Path) -> None:
    def successful(report: Report) -> Any:
        bundle.write(report, tmp_path)
        (run,) = load(tmp_path / "evidence.sarif")["runs"]
        return run["invocations"][0]["executionSuccessful"]

    assert successful(made(*RECORDS[:2])) is True
    assert successful(made(*RECORDS[:2], problems=("cut off",))) is False
    assert successful(made(*RECORDS[6:7])) is False


@pytest.mark.parametrize(
    ("control", "level"),
    [("DDB-01", "error"), ("DDB-02", "error"), ("DDB-06", "warning"), ("KMS-01", "note")],
)
def test_the_severity_decides_the_sarif_level(tmp_path: Path, control: str, level: str) -> None:
    bundle.write(made(record(control, LEDGER, Verdict.FAIL)), tmp_path)
    (run,) = load(tmp_path / "evidence.sarif")["runs"]

    assert [result["level"] for result in run["results"]] == [level]


def test_junit_counts_what_its_cases_say(written: Path) -> None:
    suites = ET.parse(written / "evidence.xml").getroot()  # noqa: S314 - written above
    counts = {
        suite.get("name"): [suite.get(k) for k in ("tests", "failures", "errors", "skipped")]
        for suite in suites
    }
    outcomes = [
        (case.get("classname"), str(case.get("name")).rpartition("::")[2],
         [(child.tag, child.get("message")) for child in case])
        for case in suites.iter("testcase")
    ]  # fmt: skip

    assert counts == {
        "DDB": ["6", "2", "0", "3"],
        "KMS": ["2", "0", "1", "0"],
        "waiver": ["1", "1", "0", "0"],
    }
    assert outcomes == [
        ("DDB-01", "cards", []),
        ("DDB-01", "ledger", [("failure", "pointInTimeRecovery: <i>off</i>")]),
        ("DDB-02", "cards", [("skipped", "(resource): not applicable")]),
        ("DDB-02", "ledger", [("skipped", "(resource): no key")]),
        ("DDB-06", "cards", [("skipped", "policy: not known yet")]),
        ("DDB-06", "ledger", [("failure", "policy: not known yet")]),
        ("KMS-01", "", []),
        ("KMS-01", "k", [("error", "(resource): the check broke")]),
        ("waiver-unused", "", [("failure", "(resource): nothing to waive")]),
    ]


@pytest.mark.parametrize("framework", [None, "pci", "soc2", "hipaa", "iso27001"])
def test_csv_has_a_row_per_requirement(written: Path, framework: str | None) -> None:
    name = f"evidence-{framework}.csv" if framework else "evidence.csv"
    text = (written / name).read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO(text)))[1:]
    expected = []
    for r in made(*RECORDS).records:
        own = [r.urn, r.verdict.value, r.path, r.found]
        if r.control not in SEVERITIES:
            expected.append([r.control, "", *own, "", "", "", r.waiver])
            continue
        expected += [
            [r.control, SEVERITIES[r.control].value, *own, c.framework, c.requirement,
             c.relation.value, r.waiver]
            for c in registry()[r.control].citations
            if framework in (None, c.framework)
        ]  # fmt: skip

    assert rows == expected


def test_an_oscal_observation_says_what_the_record_says(written: Path) -> None:
    document = load(written / "evidence.oscal.json")["assessment-results"]
    (result,) = document["results"]
    told = [
        (o["title"], o["description"], [p["value"] for p in o["props"]], o["types"])
        for o in result["observations"]
    ]

    assert result["title"] == "Infrastructure of shop prod before deployment"
    assert document["metadata"]["title"] == "Policy evidence: shop prod"
    assert document["metadata"]["version"] == made(*RECORDS).result_hash[7:23]
    assert told[:4] == [
        ("DDB-01: PASS", "(resource): pass", ["DDB-01", "PASS"], ["control-objective"]),
        ("DDB-01: FAIL", "pointInTimeRecovery: <i>off</i>", ["DDB-01", "FAIL"], ["finding"]),
        ("DDB-02: NOT_APPLICABLE", "(resource): not applicable", ["DDB-02", "NOT_APPLICABLE"],
         ["control-objective"]),
        ("DDB-02: WAIVED", "(resource): no key", ["DDB-02", "WAIVED", "RISK-7"],
         ["control-objective"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("requirement", "status"),
    [
        ("A1.2", "FAIL"),
        ("3.5.1", "WAIVED"),
        ("7.3.3", "UNKNOWN"),
        ("A.8.3", "UNKNOWN"),
        ("3.7.4", "FAIL"),
    ],
)
def test_a_requirement_has_the_gravest_status_of_its_controls(
    written: Path, requirement: str, status: str
) -> None:
    (result,) = load(written / "evidence.oscal.json")["assessment-results"]["results"]
    titles = {o["uuid"]: o["title"] for o in result["observations"]}
    (finding,) = [f for f in result["findings"] if f["title"].endswith(f" {requirement}")]
    related = [titles[o["observation-uuid"]] for o in finding["related-observations"]]
    cited = {
        key for key in SEVERITIES
        if requirement in {c.requirement for c in registry()[key].citations}
    }  # fmt: skip

    assert finding["description"].startswith(f"Status {status}, ")
    assert finding["target"]["status"]["reason"] == ("fail" if status == "FAIL" else "other")
    assert sorted(related) == sorted(
        f"{r.control}: {r.verdict.value}"
        for r in RECORDS
        if r.control in cited and r.verdict is not Verdict.NOT_APPLICABLE
    )


def test_only_a_direct_citation_gives_direct_evidence(tmp_path: Path) -> None:
    bundle.write(made(record("KMS-01", KEY, Verdict.PASS)), tmp_path)
    (result,) = load(tmp_path / "evidence.oscal.json")["assessment-results"]["results"]
    states = {
        f["title"].rpartition(" ")[2]: f["target"]["status"]["state"] for f in result["findings"]
    }

    assert states == {
        c.requirement: "satisfied" if c.relation is Relation.DIRECT else "not-satisfied"
        for c in registry()["KMS-01"].citations
    }


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}">')[2].partition("</section>")[0]


def test_the_site_lists_findings_controls_and_resources_gravest_first(written: Path) -> None:
    page = (written / "index.html").read_text(encoding="utf-8")
    findings = re.findall(r'data-verdict="(\w+)"', section(page, "findings"))
    resources = re.findall(r"<summary><strong>(.*?)</strong>", section(page, "resources"))
    ledger = section(page, "resources").partition(LEDGER + "</span>")[2].partition("</details>")[0]

    assert findings == [
        "ERROR", "FAIL", "FAIL", "UNKNOWN", "UNKNOWN", "WAIVED", "PASS", "PASS", "NOT_APPLICABLE",
    ]  # fmt: skip
    assert resources == ["Key k", "the whole stack", "Table ledger", "Table cards"]
    assert re.findall(r'class="id">([\w-]+)<', ledger) == ["DDB-01", "DDB-06", "DDB-02"]
    assert "&lt;i&gt;off" in page
    assert "<i>off" not in page
    assert page.endswith("</html>\n")


def test_the_site_links_the_controls_of_the_catalogue(written: Path) -> None:
    page = (written / "index.html").read_text(encoding="utf-8")
    rows = section(page, "controls").partition("<tbody>")[2]
    linked = re.findall(r'class="id"><a href="controls/([\w-]+)\.html', rows)
    frameworks = re.findall(r'data-framework="([^"]*)"', rows)

    assert linked == list(SEVERITIES)
    assert frameworks == [
        *(" ".join(sorted({c.framework for c in registry()[key].citations})) for key in linked), "",
    ]  # fmt: skip
    assert {p.stem for p in (written / "controls").iterdir()} == set(SEVERITIES)


def test_json_says_more_of_what_is_open(written: Path) -> None:
    verdicts = {(v["control"], v["urn"]): v for v in load(written / "evidence.json")["verdicts"]}

    for key in (("DDB-01", LEDGER), ("DDB-02", LEDGER), ("KMS-01", KEY)):
        assert verdicts[key]["expected"] == registry()[key[0]].title
        assert verdicts[key]["fix"] == registry()[key[0]].fix
    assert verdicts["DDB-02", LEDGER]["waiver"] == "RISK-7"
    assert verdicts["DDB-06", CARDS]["expected"] is True
    assert verdicts["DDB-06", LEDGER]["expected"] is False
    assert not {"waiver", "expected", "fix"} & verdicts["DDB-01", CARDS].keys()


def printed(report: Report) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    print_report(report, console)
    text = console.file
    assert isinstance(text, io.StringIO)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_the_table_shows_what_needs_attention_gravest_first() -> None:
    lines = printed(made(*RECORDS))
    rows = [tuple(line.split()[:4]) for line in lines if re.match(r"[\w-]+ +[A-Z]+ ", line)]

    assert lines[0].startswith("control")
    assert rows == [
        ("KMS-01", "ERROR", "Key", "k"),
        ("DDB-01", "FAIL", "Table", "ledger"),
        ("waiver-unused", "FAIL", "(resource):", "nothing"),
        ("DDB-06", "UNKNOWN", "Table", "cards"),
        ("DDB-02", "WAIVED", "Table", "ledger"),
    ]
    assert lines[-2] == ("2 pass   2 fail   1 not applicable   2 unknown   1 waived   1 error")
    assert lines[-1].startswith("✗ 3 violations; ")


@pytest.mark.parametrize(
    ("records", "problems", "last"),
    [
        (RECORDS[1:4], (), "✓ clean"),
        (RECORDS[:1], (), "✗ 1 violation; each control is explained by"),
        (RECORDS[4:6], (), "✗ 1 undecided; list them under expected_unknown"),
        (RECORDS[5:6], (), "✓ clean"),
        (RECORDS[1:2], ("cut off",), "✗ the evidence is incomplete"),
    ],
    ids=["clean", "one", "undecided", "expected", "incomplete"],
)
def test_the_last_line_names_the_next_step(
    records: tuple[Record, ...], problems: tuple[str, ...], last: str
) -> None:
    lines = printed(made(*records, problems=problems))

    assert lines[-1].startswith(last)
    assert [line for line in lines if line.startswith("incomplete: ")] == [
        f"incomplete: {problem}" for problem in problems
    ]
