"""The smoke test: what a client does first, through the running service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.failure import LocalCloudError

if TYPE_CHECKING:
    from localcloud.client import Answer, Client


def smoke_test(client: Client, worker: Client) -> None:
    """Health, documents, an account with one transaction, its balance; leaves nothing behind.

    Raises `LocalCloudError` naming the step whose answer is not the expected one.
    """
    _expect("readiness", client.call("GET", "/health/ready"), 200)
    _expect("health of the worker", worker.call("GET", "/health/live"), 200)
    _expect("Swagger UI", client.call("GET", "/swagger-ui.html"), 200)
    document = _expect("OpenAPI document", client.call("GET", "/openapi.json"), 200)
    _check("OpenAPI version", str(document.body["openapi"]).startswith("3.1"))
    missing = _expect("unknown path", client.call("GET", "/api/v1/nothing"), 404)
    _check("problem document", "problem+json" in missing.headers["content-type"])
    stranger = type(client)(client.port)
    _expect("request without token", stranger.call("GET", "/api/v1/accounts"), 401)

    account = {"name": "Smoke test", "kind": "cash", "currency": "EUR"}
    created = _expect("new account", client.call("POST", "/api/v1/accounts", account), 201)
    path = f"/api/v1/accounts/{created.body['id']}"
    made = [path]
    try:
        made.append(f"/api/v1/transactions/{_spend(client, created.body['id'])}")
        balance = _expect("account", client.call("GET", path), 200).body["balance"]
        _check("exact balance", balance == {"amount": "-12.30", "currency": "EUR"})
    finally:
        for each in reversed(made):
            _remove(client, each)


def _spend(client: Client, account: str) -> str:
    body = {
        "accountId": account,
        "date": "2026-01-31",
        "amount": {"amount": "-12.30", "currency": "EUR"},
        "description": "Smoke test",
    }
    answer = _expect("new transaction", client.call("POST", "/api/v1/transactions", body), 201)
    identifier: str = answer.body["id"]
    return identifier


def _remove(client: Client, path: str) -> None:
    """Delete the resource in the version it has now."""
    etag = _expect("version", client.call("GET", path), 200).headers.get("etag", "")
    _expect(f"removal of {path}", client.call("DELETE", path, headers={"If-Match": etag}), 204)


def _expect(what: str, answer: Answer, *statuses: int) -> Answer:
    detail: Any = answer.body.get("code") if isinstance(answer.body, dict) else None
    wanted = " or ".join(str(status) for status in statuses)
    reason = f"answered {answer.status} {detail or ''}, not {wanted}"
    _check(what, answer.status in statuses, reason)
    return answer


def _check(what: str, holds: bool, reason: str = "not what was promised") -> None:  # noqa: FBT001
    if not holds:
        raise LocalCloudError(
            f"Smoke test failed: {what}.",
            why=reason,
            remedy="python -m localcloud logs service",
        )
