"""The files of a bundle against the published schemas, their hashes, and the bundle before."""

import hashlib
import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from lxml import etree
from trestle.oscal.assessment_results import Model

from guardrails.evidence import bundle
from guardrails.evidence.history import difference, keep_previous
from guardrails.registry import registry
from guardrails.report import Report
from guardrails.verdicts import Verdict
from guardrails.waivers import Waivers

SCHEMAS = Path(__file__).parent / "schemas"
TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def report(recorded_preview: Path) -> Report:
    journal = recorded_preview.with_name("verdicts.jsonl")
    return bundle.collect(recorded_preview, journal, registry(), Waivers(), TODAY)


@pytest.fixture(scope="module")
def written(report: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bundle")
    bundle.write(report, directory)
    return directory


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_sarif_is_what_its_schema_asks_for(written: Path) -> None:
    schema = load(SCHEMAS / "sarif-2.1.0.json")

    validator_for(schema)(schema).validate(load(written / "evidence.sarif"))


def test_junit_is_what_its_schema_asks_for(written: Path) -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))

    schema.assertValid(etree.parse(written / "evidence.xml"))


def test_json_is_what_the_published_schema_asks_for(written: Path) -> None:
    schema = load(written / "evidence.schema.json")
    Draft202012Validator.check_schema(schema)
    evidence = load(written / "evidence.json")

    Draft202012Validator(schema).validate(evidence)
    assert not Draft202012Validator(schema).is_valid(evidence | {"verdicts": [{}]})


def test_oscal_is_what_its_schema_asks_for(written: Path) -> None:
    schema = jsonschema_rs.validator_for(load(SCHEMAS / "oscal-assessment-results-1.2.3.json"))
    document = load(written / "evidence.oscal.json")
    broken = json.loads(json.dumps(document))
    del broken["assessment-results"]["results"][0]["reviewed-controls"]

    schema.validate(document)
    assert not schema.is_valid(broken)


def test_oscal_is_what_the_models_of_nist_ask_for(written: Path, report: Report) -> None:
    result = Model.model_validate(load(written / "evidence.oscal.json")).assessment_results.results[
        0
    ]

    assert len(result.observations) == len(report.records)
    known = {observation.uuid for observation in result.observations}
    assert all(
        related.observation_uuid in known
        for finding in result.findings
        for related in finding.related_observations
    )


def test_oscal_calls_satisfied_only_what_has_direct_evidence(written: Path) -> None:
    (result,) = load(written / "evidence.oscal.json")["assessment-results"]["results"]
    states = {finding["description"].split()[1].rstrip(","): finding["target"]["status"]["state"]
              for finding in result["findings"]}  # fmt: skip

    assert states["EVIDENCE_DIRECT"] == "satisfied"
    assert {state for status, state in states.items() if status != "EVIDENCE_DIRECT"} == {
        "not-satisfied"
    }


def test_oscal_excludes_what_code_cannot_establish(written: Path) -> None:
    (result,) = load(written / "evidence.oscal.json")["assessment-results"]["results"]
    excluded = {
        control["control-id"]
        for selection in result["reviewed-controls"]["control-selections"]
        for control in selection["exclude-controls"]
    }

    assert "pci-dss-4.0.1-9.x" in excluded
    assert not excluded & {finding["target"]["target-id"] for finding in result["findings"]}


def test_the_manifest_has_the_hash_of_every_file(written: Path) -> None:
    manifest = load(written / "manifest.json")
    files = {
        str(path.relative_to(written)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in written.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }

    assert manifest["files"] == files
    assert manifest["resultHash"] == load(written / "evidence.json")["header"]["resultHash"]
    assert manifest["made"]["packs"]["guardrails-test"]["digest"] == "sha256:d"


def test_the_csv_of_a_framework_holds_its_rows_only(written: Path) -> None:
    rows = (written / "evidence-pci.csv").read_text().splitlines()[1:]

    assert rows
    assert all(",pci," in row for row in rows)


def later(report: Report, **verdicts: Verdict) -> Report:
    """The same stack an hour later, with other verdicts about the table."""
    records = [
        replace(record, verdict=verdicts[record.control.replace("-", "_")])
        if record.control.replace("-", "_") in verdicts and record.urn.endswith("::ledger")
        else record
        for record in report.records
    ]
    header = report.header | {"started": report.header["started"] + 3600}
    return replace(report, records=records, header=header)


def test_the_difference_shows_what_appeared_and_what_was_resolved(
    report: Report, tmp_path: Path
) -> None:
    bundle.write(report, tmp_path)
    now = later(report, DDB_01=Verdict.PASS, DDB_06=Verdict.FAIL)
    keep_previous(tmp_path, now)

    since = difference(tmp_path, now)

    assert since.since == report.header["started"]
    assert [c.control for c in since.of("resolved")] == ["DDB-01"]
    assert [(c.control, c.before, c.after) for c in since.of("appeared")] == [
        ("DDB-06", "NOT_APPLICABLE", "FAIL")
    ]
    bundle.write(now, tmp_path)
    assert "resolved" in (tmp_path / "index.html").read_text()


def test_writing_a_run_again_keeps_the_difference(report: Report, tmp_path: Path) -> None:
    bundle.write(report, tmp_path)
    now = later(report, DDB_01=Verdict.PASS)
    bundle.write(now, tmp_path)
    first = (tmp_path / "index.html").read_bytes()

    bundle.write(now, tmp_path)

    assert (tmp_path / "index.html").read_bytes() == first


@pytest.mark.parametrize("earlier", [None, "{", "[]", '{"header": {"stack": "other"}}'])
def test_without_a_usable_earlier_bundle_there_is_no_difference(
    report: Report, tmp_path: Path, earlier: str | None
) -> None:
    if earlier is not None:
        (tmp_path / "previous.json").write_text(earlier)

    assert difference(tmp_path, report).since is None


def test_another_stack_is_not_compared(report: Report, tmp_path: Path) -> None:
    bundle.write(replace(report, header=report.header | {"stack": "other"}), tmp_path)
    now = later(report)
    keep_previous(tmp_path, now)

    assert difference(tmp_path, now).since is None
