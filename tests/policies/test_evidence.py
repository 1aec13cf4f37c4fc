"""The bundle: complete, the same for the same input, in agreement with the engine, and readable."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from guardrails.registry import registry

CONTROLS = list(registry().values())
FORMATS = {
    "evidence.json", "evidence.schema.json", "evidence.sarif", "evidence.oscal.json",
    "evidence.xml", "evidence.csv", "evidence-pci.csv", "evidence-soc2.csv", "evidence-hipaa.csv",
    "evidence-iso27001.csv", "index.html", "manifest.json",
}  # fmt: skip
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
)


@pytest.fixture
def evidence(run: Any) -> Any:
    def evidence(
        events: Path, out: Path, *more: str, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return run("evidence", events, "--out", out, *more, cwd=cwd)

    return evidence


def content(directory: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()
    }


def test_the_bundle_holds_every_format_and_a_page_per_control(
    evidence: Any, preview: Path, tmp_path: Path
) -> None:
    done = evidence(preview, tmp_path / "out")
    files = content(tmp_path / "out")

    assert done.returncode == 1, done.stderr
    assert set(files) >= FORMATS
    assert {f"controls/{control.id}.html" for control in CONTROLS} <= set(files)


def test_a_source_without_its_history_has_no_commit(
    evidence: Any, preview: Path, tmp_path: Path
) -> None:
    """As a pipeline hands it on: an archive of the files."""
    waivers = Path(__file__).parents[2] / "policies" / "waivers.yaml"

    done = evidence(preview, tmp_path / "out", "--waivers", str(waivers), cwd=tmp_path)

    assert done.returncode == 1, done.stderr
    header = json.loads((tmp_path / "out" / "evidence.json").read_text())["header"]
    assert "commit" not in header["git"]
    assert "not in a repository" in (tmp_path / "out" / "index.html").read_text()


def test_the_counts_of_all_formats_agree(evidence: Any, preview: Path, tmp_path: Path) -> None:
    evidence(preview, tmp_path)
    whole = json.loads((tmp_path / "evidence.json").read_text())
    sarif = json.loads((tmp_path / "evidence.sarif").read_text())["runs"][0]
    junit = ET.parse(tmp_path / "evidence.xml").getroot()  # noqa: S314 - our own
    rows = (tmp_path / "evidence.csv").read_text().splitlines()[1:]

    failed = whole["header"]["counts"]["FAIL"]
    assert failed > 0
    assert sum(whole["header"]["counts"].values()) == len(whole["verdicts"])
    assert [result["kind"] for result in sarif["results"]].count("fail") == failed
    assert sum(int(suite.attrib["failures"]) for suite in junit) == failed
    pairs = {tuple(row.split(",")[i] for i in (0, 2)) for row in rows if ",FAIL," in row}
    assert len(pairs) == failed


def test_the_same_run_gives_the_same_bytes(evidence: Any, preview: Path, tmp_path: Path) -> None:
    evidence(preview, tmp_path / "a")
    evidence(preview, tmp_path / "b")

    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_the_header_says_what_judged_and_what_was_judged(
    evidence: Any, preview: Path, tmp_path: Path
) -> None:
    evidence(preview, tmp_path)
    header = json.loads((tmp_path / "evidence.json").read_text())["header"]

    assert header["stack"] == "prod"
    assert header["project"] == "program"
    assert header["resources"] == 3
    assert header["controls"] == len(CONTROLS)
    assert header["packs"]["guardrails-test"]["digest"] == "sha256:d"
    assert header["resultHash"].startswith("sha256:")
    assert header["started"] == 1_795_516_282


def edited(preview: Path, edit: Any) -> None:
    lines = [json.loads(line) for line in preview.read_text().splitlines()]
    preview.write_text("".join(json.dumps(line) + "\n" for line in edit(lines)))


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (
            lambda events: [e for e in events if "policyAnalyzeStackSummaryEvent" not in e],
            "no summary of the stack analysis",
        ),
        (lambda events: [e for e in events if "policyEvent" not in e], "are not in the events"),
        (
            lambda events: [
                *events,
                {"diagnosticEvent": {"severity": "error", "message": "the program raised"}},
            ],
            "the engine reported an error",
        ),
    ],
    ids=["no stack analysis", "events lost", "program broke"],
)
def test_an_incomplete_run_is_never_clean(
    evidence: Any, preview: Path, tmp_path: Path, edit: Any, why: str
) -> None:
    edited(preview, edit)

    done = evidence(preview, tmp_path)

    assert done.returncode == 1
    assert any(why in p for p in json.loads((tmp_path / "evidence.json").read_text())["problems"])


def test_a_journal_that_ends_early_is_incomplete(
    evidence: Any, preview: Path, tmp_path: Path
) -> None:
    journal = preview.with_name("verdicts.jsonl")
    kept = [line for line in journal.read_text().splitlines() if '"kind": "summary"' not in line]
    journal.write_text("\n".join(kept) + "\n")

    done = evidence(preview, tmp_path)

    assert done.returncode == 1
    assert "did not finish" in done.stdout


@pytest.mark.parametrize("broken", ["events", "journal"])
@pytest.mark.parametrize("text", [None, "{", "7\n"])
def test_unusable_evidence_says_what_to_do(
    evidence: Any, preview: Path, tmp_path: Path, broken: str, text: str | None
) -> None:
    target = preview if broken == "events" else preview.with_name("verdicts.jsonl")
    target.unlink()
    if text is not None:
        target.write_text(text)

    done = evidence(preview, tmp_path)

    assert done.returncode == 2
    assert "do:" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_in_the_program_cannot_write_html(
    evidence: Any, preview: Path, tmp_path: Path
) -> None:
    evidence(preview, tmp_path)
    page = (tmp_path / "index.html").read_text()

    assert "&lt;b&gt;news&lt;/b&gt;" in page
    assert "<b>news" not in page


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def visible(browser: webdriver.Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#findings tbody tr")
    return [row.text for row in rows if row.is_displayed()]


def foreign_requests(browser: webdriver.Chrome) -> list[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return [url for url in urls if url.startswith(("http:", "https:", "ws:", "wss:"))]


@pytest.mark.browser
def test_an_auditor_searches_filters_and_opens_a_control(
    evidence: Any, preview: Path, tmp_path: Path, browser: webdriver.Chrome
) -> None:
    evidence(preview, tmp_path / "out")
    browser.get((tmp_path / "out" / "index.html").as_uri())
    everything = len(visible(browser))

    browser.find_element(By.CSS_SELECTOR, ".tiles button.FAIL").click()
    failed = visible(browser)
    browser.find_element(By.ID, "search").send_keys("point-in-time")
    found = visible(browser)
    browser.find_element(By.LINK_TEXT, "DDB-01").click()

    assert 0 < len(failed) < everything
    assert all("fail" in row for row in failed)
    assert [row.split()[0] for row in found] == ["DDB-01"]
    assert browser.find_element(By.TAG_NAME, "h1").text == "DDB-01"
    assert "ledger" in browser.page_source
    assert [e for e in browser.get_log("browser") if e["level"] == "SEVERE"] == []
    assert foreign_requests(browser) == []


@pytest.mark.browser
def test_the_site_is_readable_on_a_phone_and_on_paper(
    evidence: Any, preview: Path, tmp_path: Path, browser: webdriver.Chrome
) -> None:
    evidence(preview, tmp_path / "out")
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True},
    )
    for page in ("index.html", "controls/DDB-01.html"):
        browser.get((tmp_path / "out" / page).as_uri())
        width = browser.execute_script("return document.documentElement.scrollWidth")
        assert width <= 390, page

    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.get((tmp_path / "out" / "index.html").as_uri())
    assert not browser.find_element(By.TAG_NAME, "nav").is_displayed()
    assert browser.find_element(By.ID, "limits").is_displayed()
