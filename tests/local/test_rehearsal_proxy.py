"""A switch between two targets that no client notices."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from localcloud.emulator.process import free_port
from localcloud.rehearsal.load import Load
from localcloud.rehearsal.proxy import HOST, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Target:
    """A server that names itself; `hold` keeps its answers back until it is set."""

    def __init__(self, name: str) -> None:
        self.hold, self.asked = threading.Event(), threading.Event()
        self.hold.set()
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.reply(name.encode() + b" " + body)

            def do_GET(self) -> None:
                target.asked.set()
                target.hold.wait()
                self.reply(name.encode())

            def reply(self, text: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port = int(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def target() -> Iterator[Callable[[str], Target]]:
    made: list[Target] = []

    def make(name: str) -> Target:
        made.append(Target(name))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def proxy() -> Iterator[Callable[[int], tuple[Proxy, int]]]:
    made: list[Proxy] = []

    def make(to: int) -> tuple[Proxy, int]:
        port = free_port()
        made.append(Proxy(port, to))
        made[-1].start()
        return made[-1], port

    yield make
    for each in made:
        each.stop()


def get(connection: http.client.HTTPConnection, path: str = "/") -> str:
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def test_an_open_connection_follows_the_switch(
    target: Callable[[str], Target], proxy: Callable[[int], tuple[Proxy, int]]
) -> None:
    blue, green = target("blue"), target("green")
    balancer, port = proxy(blue.port)
    connection = http.client.HTTPConnection(HOST, port, timeout=5)

    assert get(connection) == "blue"
    balancer.switch(green.port)
    assert get(connection) == "green"
    connection.request("POST", "/", body=b"body")
    assert connection.getresponse().read() == b"green body"
    connection.close()


def test_draining_waits_for_what_is_under_way(
    target: Callable[[str], Target], proxy: Callable[[int], tuple[Proxy, int]]
) -> None:
    blue, green = target("blue"), target("green")
    balancer, port = proxy(blue.port)
    blue.hold.clear()
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.request("GET", "/")
    assert blue.asked.wait(5)
    balancer.switch(green.port)

    assert not balancer.drain(blue.port, 0.05)
    blue.hold.set()
    assert balancer.drain(blue.port, 5)
    assert connection.getresponse().read() == b"blue"
    connection.close()


def test_a_target_that_is_gone_is_a_bad_gateway(
    proxy: Callable[[int], tuple[Proxy, int]],
) -> None:
    _, port = proxy(free_port())
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.request("GET", "/")

    assert connection.getresponse().status == 502
    connection.close()


def test_a_taken_port_is_said(target: Callable[[str], Target]) -> None:
    taken = target("blue").port
    balancer = Proxy(taken, taken)

    with pytest.raises(OSError, match="in use"):
        balancer.start()


def test_load_counts_every_answer_and_every_failure(
    target: Callable[[str], Target], proxy: Callable[[int], tuple[Proxy, int]]
) -> None:
    _, good = proxy(target("blue").port)
    _, bad = proxy(free_port())
    for port, failures in ((good, 0), (bad, 20)):
        load = Load(port=port, paths=("/a", "/b"))
        load.start()
        assert load.wait_for(20, 30)
        load.stop()
        assert load.failures.total() >= failures
        assert bool(load.answered) is (failures == 0)
