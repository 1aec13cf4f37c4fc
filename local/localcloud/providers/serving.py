"""Run a plugin process: port on stdout, log in a file, a quiet and immediate end.

The engine reads the port from the first line, and ends plugins with SIGINT or SIGTERM to their
process group. A traceback at that moment lands in the CLI's output, and a graceful stop makes every
preview wait, so the handlers here only leave. An engine that was killed ends nobody: a plugin sees
by itself that it has another parent.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

LOG_VARIABLE = "LOCALCLOUD_PROVIDER_LOG"
LOOPBACK = "127.0.0.1"
MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # the engine's own limit
ORPHAN_SECONDS = 1.0  # how soon it is noticed that the engine is gone


def log_to_file(plugin: str) -> logging.Logger:
    """Send the plugin's log to the file named by `LOCALCLOUD_PROVIDER_LOG`, or nowhere.

    The engine does not show a plugin's stderr, so a file is the only place that can be read.
    """
    logger = logging.getLogger(f"localcloud.providers.{plugin}")
    logger.propagate = False
    path = os.environ.get(LOG_VARIABLE)
    handler: logging.Handler = logging.FileHandler(path) if path else logging.NullHandler()
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s {plugin}[%(process)d] %(levelname)s %(message)s")
    )
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return logger


def serve(servicer: provider_pb2_grpc.ResourceProviderServicer, *, workers: int) -> NoReturn:
    """Answer the engine in `workers` threads until it says to stop, or is gone."""
    stop = threading.Event()
    _leave_on_signals(stop.set)
    _leave_with_the_engine(stop.set)
    server = grpc.server(
        ThreadPoolExecutor(max_workers=workers),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"{LOOPBACK}:0")
    server.start()
    _announce(port)
    stop.wait()
    server.stop(grace=None)
    os._exit(0)  # worker threads may wait for the embedded AWS; nobody waits for them


def _leave_on_signals(leave: Callable[[], None]) -> None:
    """Call `leave` on SIGINT and SIGTERM; the main thread must not be blocked in C code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leave())


def _leave_with_the_engine(leave: Callable[[], None]) -> None:
    """Call `leave`, from another thread, soon after the process that started this one is gone."""
    engine = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == engine:
            never.wait(ORPHAN_SECONDS)
        leave()

    threading.Thread(target=watch, daemon=True).start()


def _announce(port: int) -> None:
    """Tell the engine the port: the first and only line on stdout."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
