"""A small HTTP load balancer on loopback: every request goes to the current target.

Connections of clients stay open across a switch, as a load balancer's do; each request upstream
has a connection of its own, so that a target is drained when its last answer has been sent.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from concurrent.futures import Future

HOST = "127.0.0.1"
HEAD_BYTES = 64 * 1024
BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
CONNECTION = re.compile(rb"\r\n(?:connection|keep-alive):[^\r]*", re.IGNORECASE)
START_SECONDS = 10


class Proxy:
    """Listens on `port` from `start` to `stop`. `switch` takes effect with the next request."""

    def __init__(self, port: int, target: int) -> None:
        self._port, self._target = port, target
        self._open: Counter[int] = Counter()
        self._idle = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._listening: Future[None] = Future()
        self._end = asyncio.Event()

    def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        self._thread.start()
        self._listening.result(START_SECONDS)

    def stop(self) -> None:
        """Close every connection and wait until nothing is left."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def switch(self, target: int) -> None:
        """Send new requests to the port `target`."""
        self._target = target

    def drain(self, target: int, seconds: float) -> bool:
        """Wait until no request is under way at `target`; False when time is up first."""
        with self._idle:
            return self._idle.wait_for(lambda: self._open[target] == 0, seconds)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._loop.close()

    async def _listen(self) -> None:
        try:
            server = await asyncio.start_server(
                self._client, HOST, self._port, limit=HEAD_BYTES, backlog=256
            )
        except OSError as error:
            self._listening.set_exception(error)
            return
        self._listening.set_result(None)
        await self._end.wait()
        server.close()
        others = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._forward(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or does not speak HTTP
        finally:
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; False when the client has sent its last."""
        head = await _head(reader)
        body = await reader.readexactly(_length(head))
        target = self._target
        self._count(target, 1)
        try:
            answer = await self._ask(target, head, body)
        except (OSError, asyncio.IncompleteReadError):
            answer = BAD_GATEWAY
        finally:
            self._count(target, -1)
        writer.write(answer)
        await writer.drain()
        return answer is not BAD_GATEWAY

    async def _ask(self, target: int, head: bytes, body: bytes) -> bytes:
        """The whole answer, so that a target that dies in the middle is a 502 and no half."""
        reader, writer = await asyncio.open_connection(HOST, target)
        try:
            sent = CONNECTION.sub(b"", head[:-4]) + b"\r\nConnection: close\r\n\r\n"
            writer.write(sent + body)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            raise asyncio.IncompleteReadError(answer, None)
        return CONNECTION.sub(b"", answer[:end]) + answer[end:]

    def _count(self, target: int, change: int) -> None:
        with self._idle:
            self._open[target] += change
            self._idle.notify_all()


async def _head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def _length(head: bytes) -> int:
    found = LENGTH.search(head)
    return int(found.group(1)) if found else 0
