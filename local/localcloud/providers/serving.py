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

LOG_VARIABLE = "LOCALCLOUD_PROVIDER_LOG"
LOOPBACK = "127.0.0.1"
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


def leave_on_signals(leave: Callable[[], None]) -> None:
    """Call `leave` on SIGINT and SIGTERM; the main thread must not be blocked in C code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leave())


def leave_with_the_engine(leave: Callable[[], None]) -> None:
    """Call `leave`, from another thread, soon after the process that started this one is gone."""
    engine = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == engine:
            never.wait(ORPHAN_SECONDS)
        leave()

    threading.Thread(target=watch, daemon=True).start()


def announce(port: int) -> None:
    """Tell the engine the port: the first and only line on stdout."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
