"""What stands before a route: who calls, how often, which version is meant, was it done before."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from flask import Response, g, request
from pydantic import BaseModel

from budgetbuddy.api._declaration import Declaration
from budgetbuddy.api._http import context, principal, respond, services, state
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import Access, Gate, MfaEnrolmentRequired, Principal
from budgetbuddy.domain.ports import Claim, Reply
from budgetbuddy.problems import (
    IdempotencyInProgress,
    IdempotencyKeyNotSupported,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    InvalidHeader,
    NotFound,
    PreconditionRequired,
    Problem,
    ReauthenticationRequired,
    ScopeMissing,
    SessionRequired,
    TokenInvalid,
    TokenMissing,
    Unauthorized,
)
from budgetbuddy.telemetry import count, note

_BEARER = re.compile(r"Bearer ([A-Za-z0-9._~+/=-]{1,4096})", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{8,128}")
_VERSION = re.compile(r'"(0|[1-9][0-9]{0,15})"')
_READING = frozenset({"GET", "HEAD"})


def admit(declaration: Declaration) -> None:
    """Let the caller in, or raise 401, 403, 429."""
    note(area=declaration.area)
    state().route = str(request.url_rule)
    if declaration.access.gate is Gate.PUBLIC:
        bucket, key = "public", state().client_ip
    elif declaration.access.gate is Gate.PROVIDER:
        bucket, key = "provider-webhook", declaration.area
    else:
        _authenticate()
        bucket = "read" if request.method in _READING else "write"
        key = principal().token_id or principal().user.subject
    g.quota = services().limits.take(bucket, key)
    if not declaration.access.is_anonymous:
        _authorize(declaration.access)
    for name in declaration.limits:
        g.quota = services().limits.take(name, key)


def _authenticate() -> None:
    try:
        who = services().authenticator.authenticate(_bearer())
    except Unauthorized:
        count(Metric.AUTHORIZATION_DENIED)
        raise
    state().principal = who
    note(
        subject=who.user.subject,
        sessionId=who.session_id or None,
        tokenId=who.token_id or None,
        actorRole=",".join(who.roles) or None,
    )


def _authorize(access: Access) -> None:
    """May the caller do this? A refusal leaves an audit row and a metric."""
    refusal = _refusal(access, principal())
    if refusal is not None:
        count(Metric.AUTHORIZATION_DENIED)
        services().denials.record(context(), state().route, refusal.code)
        raise refusal
    if access.gate is Gate.FRESH and not principal().is_fresh(services().clock()):
        raise ReauthenticationRequired
    if access.gate is Gate.ROLE:
        count(Metric.PRIVILEGED_ACTION)


def _refusal(access: Access, who: Principal) -> Problem | None:
    if access.gate is Gate.ROLE:
        return _role_refusal(access, who)
    if access.gate in {Gate.SESSION, Gate.FRESH} and who.token_id:
        return SessionRequired()
    if access.scope is not None and access.scope not in who.scopes:
        return ScopeMissing(f"the scope {access.scope} is needed")
    return None


def _role_refusal(access: Access, who: Principal) -> Problem | None:
    """To whom has no role the route does not exist; access tokens never have one."""
    if not access.roles.intersection(who.roles):
        return NotFound()
    return None if who.mfa else MfaEnrolmentRequired()


def _bearer() -> str:
    header = request.headers.get("Authorization")
    if header is None:
        raise TokenMissing
    found = _BEARER.fullmatch(header)
    if found is None:
        raise TokenInvalid("the header is not `Bearer <token>`")
    return found.group(1)


def expect_version() -> None:
    """Read `If-Match`: one strong version. Raises 428 when absent, 400 on anything else."""
    header = request.headers.get("If-Match")
    if header is None:
        raise PreconditionRequired
    found = _VERSION.fullmatch(header.strip())
    if found is None:
        raise InvalidHeader("If-Match takes exactly one version, as ETag gave it")
    state().expected_version = int(found.group(1))


def expect_version_or_none() -> None:
    """Read `If-None-Match: *` (create) or `If-Match` (replace); raises 428 without either."""
    absent = request.headers.get("If-None-Match")
    if absent is None:
        expect_version()
        return
    if absent.strip() != "*" or "If-Match" in request.headers:
        raise InvalidHeader("If-None-Match takes `*` here, and stands alone")


def run_once(
    declaration: Declaration, parts: Mapping[str, BaseModel], view: Callable[[], Response]
) -> Response:
    """Run the route, or repeat the answer that its Idempotency-Key has already."""
    key = request.headers.get("Idempotency-Key")
    if not _wants_key(declaration, key):
        return view()
    current, user = state(), principal().user
    found = services().idempotency.claim(
        user,
        key=hashlib.sha256(f"{request.method} {current.route}\n{key}".encode()).hexdigest(),
        owner=current.request_id,
        fingerprint=_fingerprint(parts),
    )
    if isinstance(found, Reply):
        return _replay(found)
    current.claim = found
    return _run_claimed(found, view)


def _wants_key(declaration: Declaration, key: str | None) -> bool:
    """Whether this request is to be done once; raises 400 where its key is amiss."""
    if key is None:
        if declaration.idempotency == "I!":
            raise IdempotencyKeyRequired
        return False
    if request.method in _READING:
        return False
    if declaration.idempotency == "none":
        count(Metric.IDEMPOTENCY_REJECTED)
        raise IdempotencyKeyNotSupported
    if _KEY.fullmatch(key) is None:
        raise InvalidHeader("an Idempotency-Key has 8..128 visible ASCII characters")
    return True


def _run_claimed(claim: Claim, view: Callable[[], Response]) -> Response:
    """Work that fails gives the key back: nothing was written, so the client may try again."""
    user = principal().user
    note(idempotent=True)
    try:
        response = view()
    except BaseException:
        services().idempotency.release(user, claim)
        raise
    if not state().completes:  # nothing was committed, e.g. a dry run
        services().idempotency.release(user, claim)
    return response


def _replay(reply: Reply) -> Response:
    count(Metric.IDEMPOTENCY_REPLAYED)
    response = respond(reply)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def rejects_key(problem: Problem) -> bool:
    """Whether a problem says that an Idempotency-Key could not be honoured."""
    return isinstance(problem, IdempotencyInProgress | IdempotencyKeyReused)


def _fingerprint(parts: Mapping[str, BaseModel]) -> str:
    """Digest of what is asked: method, path, query and body, in one canonical form."""
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    query: dict[str, Any] = request.args.to_dict(flat=False)
    digest.update(orjson.dumps(query, option=orjson.OPT_SORT_KEYS))
    if "body" in parts:
        body = orjson.loads(request.get_data())
        digest.update(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    for name, text in sorted(request.form.items()):
        digest.update(f"\n{name}\n".encode() + hashlib.sha256(text.encode()).digest())
    for name, file in sorted(request.files.items()):
        content = file.stream.read()
        file.stream.seek(0)
        digest.update(f"\n{name}\n".encode() + hashlib.sha256(content).digest())
    return digest.hexdigest()
