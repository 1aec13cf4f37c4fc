"""Headers of every answer."""

from typing import TYPE_CHECKING

from flask import Response, g

if TYPE_CHECKING:
    from budgetbuddy.domain.access import Quota

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-site",
    "Cache-Control": "no-store",
    "Server": "",  # or the server would name itself
}


def secure(response: Response) -> None:
    """Set what the route has not set itself, and what is left in the bucket it drew from."""
    for name, value in SECURITY.items():
        response.headers.setdefault(name, value)
    quota: Quota | None = g.get("quota")
    if quota is not None:
        rule = quota.bucket
        policy = f'"{rule.name}";q={rule.limit};w={rule.window_seconds}'
        response.headers["RateLimit-Policy"] = policy
        left = f'"{rule.name}";r={quota.remaining};t={quota.reset_seconds}'
        response.headers["RateLimit"] = left
