"""`python -m budgetbuddy.server`: the service on granian, configured by variables alone.

Exit codes: 0 after SIGTERM and a drain, 78 when the configuration is wrong.
"""

import multiprocessing
import os
import signal
import sys
import threading

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer as Server

from budgetbuddy import create_app
from budgetbuddy.contract import KEEP_ALIVE_SECONDS, STOP_SECONDS
from budgetbuddy.settings import EX_CONFIG, InvalidSettings, Settings, load_settings

BACKLOG = 1_024
BACKPRESSURE = 64  # requests a worker holds at once; more wait in the backlog
DRAIN_SECONDS = STOP_SECONDS - 5  # in-flight requests end before the process must
WORKER_MIB = 300  # a worker that grew beyond is replaced


def build_server(settings: Settings) -> Server:
    """The server; nothing listens yet. Workers build the application after they have started."""
    return Server(
        "budgetbuddy.server:worker_application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        backlog=BACKLOG,
        backpressure=BACKPRESSURE,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=KEEP_ALIVE_SECONDS * 1_000),
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        workers_max_rss=WORKER_MIB,
        log_access=False,
        log_level=LogLevels.error,
    )


def worker_application() -> Flask:
    """The application in a worker process, which ends with its server however that ends.

    A killed server cannot stop its workers; they would go on answering beside its successor's.
    """
    server = multiprocessing.parent_process()
    if server is not None:

        def end_with_server() -> None:
            server.join()
            os.kill(os.getpid(), signal.SIGTERM)
            # What is in flight may end; a worker that cannot must not stay for it.
            threading.Event().wait(DRAIN_SECONDS)
            os._exit(1)

        threading.Thread(target=end_with_server, daemon=True).start()
    return create_app()


def main() -> int:
    """Check the configuration, then serve until SIGTERM."""
    if len(sys.argv) > 1:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if sys.argv[1:] == ["--help"] else 2
    try:
        settings = load_settings(os.environ)
    except InvalidSettings as exc:
        faults = "\n".join(f"  - {fault}" for fault in exc.faults)
        sys.stderr.write(f"The service cannot start; its configuration is wrong:\n{faults}\n")
        return EX_CONFIG
    build_server(settings).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
