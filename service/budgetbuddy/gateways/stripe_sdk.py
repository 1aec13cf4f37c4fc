"""Stripe's SDK over our own connections. Imported with the first call only: it is large."""

import threading
from collections.abc import Mapping
from typing import Any

import stripe
import urllib3
from stripe import HTTPClient, StripeClient

from budgetbuddy.gateways.pool import BoundedPool
from budgetbuddy.gateways.resilience import Timeout

APIConnectionError = stripe.APIConnectionError
InvalidRequestError = stripe.InvalidRequestError
StripeError = stripe.StripeError
SignatureVerificationError = stripe.SignatureVerificationError
WebhookSignature = stripe.WebhookSignature


class BoundedClient(HTTPClient):
    """The SDK's way out: bounded answers, no redirect, no retry, and a timeout for each call."""

    name = "urllib3"

    def __init__(self, pool: BoundedPool) -> None:
        super().__init__()
        self._pool = pool
        self._limits = threading.local()

    def limit(self, timeout: Timeout) -> None:
        """What the next call of this thread may wait for."""
        self._limits.timeout = urllib3.Timeout(connect=timeout.connect, read=timeout.read)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """As the SDK wants it; raises `APIConnectionError` where there is no answer."""
        try:
            answer = self._pool.request(
                method.upper(),
                url,
                body=post_data,
                headers=dict(headers or {}),
                timeout=self._limits.timeout,
            )
        except urllib3.exceptions.HTTPError as exc:
            raise APIConnectionError(type(exc).__name__) from exc  # type: ignore[no-untyped-call] # the SDK's own
        return answer.data.decode(errors="replace"), answer.status, answer.headers

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.clear()


def load(base_url: str, key: str, client: BoundedClient) -> StripeClient:
    """A client of Stripe's API that repeats nothing by itself."""
    return StripeClient(
        key, base_addresses={"api": base_url}, http_client=client, max_network_retries=0
    )
