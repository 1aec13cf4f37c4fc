"""The real server on the embedded AWS: it serves, keeps what it acknowledged, and stops cleanly."""

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from budgetbuddy.contract import STOP_SECONDS
from budgetbuddy.server import DRAIN_SECONDS, build_server
from budgetbuddy.settings import load_settings

from ..conftest import (  # noqa: TID252 - fixtures' module
    CODE,
    PASSWORD,
    REGION,
    SENDER,
    create_tables,
    environment,
)
from .conftest import wait_until

pytestmark = pytest.mark.emulator


@dataclass
class Running:
    """A server process and how to talk to it."""

    process: "subprocess.Popen[bytes]"
    port: int
    emulator: str
    log: Path

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content else None

    def code(self, email: str) -> str:
        with urllib.request.urlopen(f"{self.emulator}/_ministack/ses/messages") as answer:  # noqa: S310 - loopback
            boxes = json.load(answer)["messages"]
        (mail,) = [m for box in boxes.values() for m in box if email in m["To"]]
        found = CODE.search(mail["BodyText"])
        assert found is not None
        return found.group()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def running(emulator: str, tmp_path: Path) -> Iterator[Running]:
    def client(name: str) -> Any:
        session: Any = boto3.session.Session()
        return session.client(
            name,
            region_name=REGION,
            endpoint_url=emulator,
            aws_access_key_id="000000000000",
            aws_secret_access_key="test",
        )

    prefix, port, log = f"T{secrets.token_hex(4)}", free_port(), tmp_path / "log"
    create_tables(client("dynamodb"), prefix)
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    client("ses").verify_email_identity(EmailAddress=SENDER)
    variables = environment(
        DYNAMODB_TABLE_PREFIX=prefix,
        DATA_KEY_ID=key,
        AWS_ENDPOINT_URL=emulator,
        HOST="127.0.0.1",
        PORT=str(port),
        AWS_ACCESS_KEY_ID="000000000000",
        AWS_SECRET_ACCESS_KEY="test",
        PATH=os.environ["PATH"],
    )
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "budgetbuddy.server"],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(f"http://127.0.0.1:{port}/health/ready", process)
            yield Running(process, port, emulator, log)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(timeout=STOP_SECONDS + 5)


def test_a_person_registers_and_signs_in_on_the_running_service(running: Running) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    status, started = running.call(
        "POST", "/api/v1/auth/register", {"email": email, "password": PASSWORD}
    )
    assert status == 202
    body = {"registrationId": started["registrationId"], "code": running.code(email)}
    status, session = running.call("POST", "/api/v1/auth/register/confirm", body)
    assert status == 201
    status, again = running.call(
        "POST", "/api/v1/auth/login", {"email": email, "password": PASSWORD}
    )
    assert status == 200
    for token in (session["accessToken"], again["accessToken"]):
        assert running.call("GET", "/api/v1/users/me", token=token)[0] == 200
    status, listed = running.call("GET", "/api/v1/auth/sessions", token=again["accessToken"])
    assert len(listed["items"]) == 2

    for line in running.log.read_text().splitlines():
        json.loads(line)  # nothing but JSON lines on the output


def test_the_server_does_not_name_itself(running: Running) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/health/live") as answer:
        assert answer.headers.get_all("Server", []) in ([], [""])


def test_sigterm_ends_the_process_in_time_with_code_0(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)

    assert running.process.wait(timeout=STOP_SECONDS) == 0


def test_the_container_health_check_sees_life_and_death(running: Running) -> None:
    def check() -> int:
        command = [sys.executable, "-P", "-m", "budgetbuddy.health"]
        done = subprocess.run(command, env={"PORT": str(running.port)}, check=False)
        return done.returncode

    assert check() == 0
    running.process.terminate()
    running.process.wait(timeout=STOP_SECONDS)
    assert check() == 1


def test_a_request_with_two_lengths_is_not_smuggled(running: Running) -> None:
    raw = (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        connection.sendall(raw)
        first = connection.recv(65_536)

    assert first.split(b" ")[1] in {b"400", b"422"}


def test_the_server_has_the_numbers_of_the_contract() -> None:
    server = build_server(load_settings(environment(WORKERS="3", THREADS="5")))

    assert (server.workers, server.blocking_threads) == (3, 5)
    assert server.workers_kill_timeout == DRAIN_SECONDS < STOP_SECONDS
    assert server.http1_settings is not None
    assert server.http1_settings.header_read_timeout == 60_000


def test_a_killed_server_leaves_no_worker_on_its_port(running: Running) -> None:
    running.process.kill()
    running.process.wait()

    patience = threading.Event()
    for _ in range(10 * (DRAIN_SECONDS + 5)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", running.port)) != 0:
                break
        patience.wait(0.1)

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", running.port)) != 0
