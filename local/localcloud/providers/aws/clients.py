"""boto3 clients for the embedded AWS: short timeouts, few retries, one per service."""

import threading
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from localcloud.providers.aws.config import ProviderConfig

CONNECT_SECONDS = 2
READ_SECONDS = 15
POOL = 32

_creating = threading.Lock()  # creating clients is not thread-safe, using them is


class Clients:
    """Clients of one configured provider."""

    def __init__(self, config: ProviderConfig) -> None:
        self._config = config
        self._made: dict[tuple[str, str], Any] = {}

    def of(self, service: str, region: str) -> Any:
        """The client of a service; raises `ProviderError` when no embedded AWS is configured."""
        endpoint = self._config.endpoint_of(service)
        with _creating:
            if (service, region) not in self._made:
                name: Any = service  # the stubs list every service as a literal of its own
                self._made[service, region] = _session().client(
                    name,
                    region_name=region,
                    endpoint_url=endpoint,
                    aws_access_key_id=self._config.access_key,
                    aws_secret_access_key=self._config.secret_key,
                    config=Config(
                        connect_timeout=CONNECT_SECONDS,
                        read_timeout=READ_SECONDS,
                        retries={"mode": "standard", "total_max_attempts": 3},
                        max_pool_connections=POOL,
                        s3={"addressing_style": "path"},
                        proxies={},
                    ),
                )
            return self._made[service, region]


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()
