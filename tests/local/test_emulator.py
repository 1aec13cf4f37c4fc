from __future__ import annotations

import http.server
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from localcloud.emulator import process
from localcloud.emulator.process import Emulator, free_port, is_port_taken, running
from localcloud.failure import LocalCloudError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LISTENING = "0A"  # as /proc/net/tcp writes it
LOOPBACK = "0100007F"  # 127.0.0.1, in the machine's byte order


def dynamodb(emulator: Emulator) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=emulator.endpoint,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="local",
    )


def listeners(pid: int) -> set[tuple[str, int]]:
    """Address (hexadecimal) and port of every TCP socket process `pid` listens on."""
    sockets = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].rpartition(":")
            if fields[3] == LISTENING and f"socket:[{fields[9]}]" in sockets:
                found.add((address, int(port, 16)))
    return found


@pytest.mark.emulator
def test_it_listens_on_loopback_only_and_ends_with_its_block(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    marked: Callable[[], list[int]],
    eventually: Callable[..., bool],
) -> None:
    monkeypatch.setenv("LOCALCLOUD_TEST", str(tmp_path))
    with running(tmp_path / "state") as emulator:
        found = {each for pid in marked() for each in listeners(pid)}
        assert found == {(LOOPBACK, emulator.port)}

    assert eventually(lambda: not marked())
    assert not emulator.is_healthy()


@pytest.mark.emulator
def test_state_survives_a_clean_stop(tmp_path: Path) -> None:
    with running(tmp_path) as emulator:
        dynamodb(emulator).create_table(
            TableName="kept",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        )
        dynamodb(emulator).put_item(TableName="kept", Item={"pk": {"S": "1"}})

    with running(tmp_path) as emulator:
        assert dynamodb(emulator).scan(TableName="kept")["Items"] == [{"pk": {"S": "1"}}]


def test_a_missing_environment_sends_the_reader_to_make_setup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "INTERPRETER", tmp_path / "bin" / "python")

    with pytest.raises(LocalCloudError) as caught, running(tmp_path / "state"):
        pass

    assert caught.value.what == "The embedded AWS is not installed."
    assert caught.value.remedy == "make setup"


def test_one_that_never_answers_is_given_up_on_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError) as caught:
        Emulator(port=free_port(), state=tmp_path).wait_until_healthy(0.2)

    assert caught.value.remedy == "python -m localcloud logs emulator"


@pytest.fixture
def stranger() -> Iterator[int]:
    """The port of a web server that is no embedded AWS but answers 200 to everything."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<h1>It works!</h1>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_some_other_server_on_its_port_is_not_taken_for_it(stranger: int, tmp_path: Path) -> None:
    assert not Emulator(port=stranger, state=tmp_path).is_healthy()


def test_a_port_is_taken_while_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert is_port_taken(listener.getsockname()[1])
    assert not is_port_taken(free_port())
