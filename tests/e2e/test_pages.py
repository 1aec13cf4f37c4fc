from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import LocalCloud

pytestmark = [pytest.mark.engine, pytest.mark.emulator, pytest.mark.browser]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


def requested_hosts(browser: webdriver.Chrome) -> set[str]:
    """Every host a request was sent to, data and file URLs left out."""
    hosts = set()
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = urlsplit(message["params"]["request"]["url"])
            if url.scheme in ("http", "https", "ws", "wss"):
                hosts.add(url.hostname or "")
    return hosts


def complaints(browser: webdriver.Chrome) -> list[str]:
    return [
        entry["message"]
        for entry in browser.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING") and "favicon" not in entry["message"]
    ]


def test_swagger_ui_shows_the_api_from_this_machine_alone(
    cloud: LocalCloud, browser: webdriver.Chrome
) -> None:
    browser.get(f"http://127.0.0.1:{cloud.port}/swagger-ui.html")
    # Of a document this long Swagger UI draws only what the window shows: the first group.
    WebDriverWait(browser, 20).until(
        lambda page: "/api/v1/auth/login" in page.find_element(By.TAG_NAME, "body").text,
        "Swagger UI shows no operation",
    )

    assert complaints(browser) == []
    assert requested_hosts(browser) == {"127.0.0.1"}


def test_the_evidence_page_opens_from_the_file_system(
    cloud: LocalCloud, browser: webdriver.Chrome
) -> None:
    browser.get((cloud.state / "evidence" / "local" / "index.html").as_uri())
    WebDriverWait(browser, 20).until(
        lambda page: "VPC-01" in page.find_element(By.TAG_NAME, "body").text
    )

    assert "not applicable" in browser.find_element(By.TAG_NAME, "body").text
    assert complaints(browser) == []
    assert requested_hosts(browser) == set()
