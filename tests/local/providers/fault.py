"""A loopback proxy in front of the embedded AWS that makes chosen calls fail until it is healed."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REFUSAL = b'{"__type":"ValidationException","message":"injected"}'


@dataclass
class FaultyEndpoint:
    """`failing` holds API actions (`DynamoDB_20120810.UpdateTimeToLive`) that are refused."""

    endpoint: str
    failing: set[str] = field(default_factory=set)


@contextmanager
def faulty(upstream: str) -> Iterator[FaultyEndpoint]:
    host = urlsplit(upstream).netloc
    state = FaultyEndpoint("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("X-Amz-Target") in state.failing:
                self.answer(400, [("Content-Type", "application/x-amz-json-1.0")], REFUSAL)
                return
            connection = http.client.HTTPConnection(host, timeout=10)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            content = response.read()
            hop = ("connection", "content-length", "transfer-encoding", "date", "server")
            kept = [(k, v) for k, v in response.getheaders() if k.lower() not in hop]
            self.answer(response.status, kept, content)
            connection.close()

        def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.relay)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
