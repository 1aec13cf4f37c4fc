"""`python -m budgetbuddy.health`: exits 0 while the service on this machine answers, else 1.

The container's health check; it needs no shell and no curl in the image.
"""

import http.client
import os
import sys

from budgetbuddy.contract import HEALTH_LIVE, PORT

TIMEOUT_SECONDS = 3


def is_alive(port: int) -> bool:
    """Whether the service answers 200 on its liveness path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", HEALTH_LIVE)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_alive(int(os.environ.get("PORT", str(PORT)))) else 1)
