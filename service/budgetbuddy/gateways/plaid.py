"""Banks through Plaid. The SDK is loaded with the first call: it is large, and few tasks need it.

Plaid counts what flows out as positive; its sign is turned here and nowhere else.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from jwt import PyJWK, PyJWKError
from urllib3.exceptions import HTTPError

from budgetbuddy.domain.bank_webhooks import SignatureInvalid
from budgetbuddy.domain.banks import (
    BankDataChanging,
    BankLoginRequired,
    BankPage,
    Institution,
    ItemProblem,
    LinkEnded,
    LinkToken,
    NewLink,
    PublicTokenInvalid,
    Standing,
)
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.pinning import Pins
from budgetbuddy.gateways.plaid_answers import read_account, read_page
from budgetbuddy.gateways.pool import AnswerTooLarge, BoundedPool
from budgetbuddy.gateways.resilience import (
    ONCE,
    PLAID_READS,
    DependencyFailed,
    Guard,
    RetryPolicy,
    Timeout,
)
from budgetbuddy.problems import Problem, UpstreamInvalid
from budgetbuddy.telemetry import log

T = TypeVar("T")

CLIENT_NAME: Final = "BudgetBuddy"
COUNTRIES: Final = ("US", "CA", "GB", "IE", "FR", "ES", "NL", "DE")
DAYS_REQUESTED: Final = 730  # Plaid's most
PAGE_ROWS: Final = 500  # Plaid's most
ANSWER_BYTES: Final = 10 * 1_024 * 1_024
SYNC_TIMEOUT: Final = Timeout(connect=2, read=30)
SYNC_READS: Final = RetryPolicy(attempts=3, first_seconds=1, within_seconds=35)

# What Plaid says when the user, the bank or the moment is at fault; the rest is Plaid or us.
_PROBLEMS: Final[Mapping[str, type[Problem]]] = {
    "ITEM_LOGIN_REQUIRED": BankLoginRequired,
    "INSUFFICIENT_CREDENTIALS": BankLoginRequired,
    "PENDING_EXPIRATION": BankLoginRequired,
    "USER_SETUP_REQUIRED": BankLoginRequired,
    "ITEM_LOCKED": BankLoginRequired,
    "ITEM_NOT_FOUND": LinkEnded,
    "INVALID_ACCESS_TOKEN": LinkEnded,
    "ACCESS_NOT_GRANTED": LinkEnded,
    "USER_PERMISSION_REVOKED": LinkEnded,
    "INVALID_PUBLIC_TOKEN": PublicTokenInvalid,
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": BankDataChanging,
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID": SignatureInvalid,
}
_STANDING: Final[Mapping[type[Problem], ItemProblem]] = {
    LinkEnded: ItemProblem.CONSENT_REVOKED,
    BankLoginRequired: ItemProblem.LOGIN_REQUIRED,
}
_UNREADABLE: Final = (ValueError, KeyError, AttributeError, TypeError)
_TOO_MANY: Final = 429
_SERVER_ERROR: Final = 500


@dataclass(frozen=True, kw_only=True)
class PlaidAccess:
    """Where Plaid is, what we are to it, and where it calls us back."""

    base_url: str
    client_id: str
    secret: str = field(repr=False)
    webhook_url: str


class PlaidBanks:
    """Implements `domain.banks.BankProvider`."""

    def __init__(self, access: PlaidAccess, guard: Guard, pins: Pins | None = None) -> None:
        self._access = access
        self._guard = guard
        self._pins = pins
        self._lock = threading.Lock()
        self._loaded: Any = None

    def create_link_token(
        self, user: UserRef, *, redirect_uri: str | None, access_token: str | None = None
    ) -> LinkToken:
        """The user is known to Plaid by their pseudonym."""
        request: dict[str, Any] = {
            "client_name": CLIENT_NAME,
            "language": "en",
            "country_codes": list(COUNTRIES),
            "user": {"client_user_id": user.subject},
            "webhook": self._access.webhook_url,
        }
        if redirect_uri is not None:
            request["redirect_uri"] = redirect_uri
        if access_token is None:
            request |= {
                "products": ["transactions"],
                "transactions": {"days_requested": DAYS_REQUESTED},
            }
        else:
            request["access_token"] = access_token
        return self._call(
            "link_token_create",
            "LinkTokenCreateRequest",
            request,
            lambda a: LinkToken(token=a.link_token, expires_at=format_instant(a.expiration)),
            retry=PLAID_READS,
        )

    def exchange(self, public_token: str) -> NewLink:
        """Tried once: a public token is good once."""
        return self._call(
            "item_public_token_exchange",
            "ItemPublicTokenExchangeRequest",
            {"public_token": public_token},
            lambda a: NewLink(provider_id=a.item_id, access_token=a.access_token),
        )

    def institution(self, access_token: str) -> Institution:
        """The bank behind a link and the accounts it offers."""
        return self._call(
            "accounts_get",
            "AccountsGetRequest",
            {"access_token": access_token},
            lambda a: Institution(
                id=a.item.get("institution_id"),
                name=a.item.get("institution_name"),
                accounts=tuple(read_account(account) for account in a.accounts),
            ),
            retry=PLAID_READS,
        )

    def standing(self, access_token: str) -> Standing:
        """The item by itself: its error, and until when its consent lasts."""
        return self._call(
            "item_get",
            "ItemGetRequest",
            {"access_token": access_token},
            _read_standing,
            retry=PLAID_READS,
        )

    def changes(self, access_token: str, cursor: str) -> BankPage:
        """One page of `/transactions/sync`."""
        request: dict[str, Any] = {"access_token": access_token, "count": PAGE_ROWS}
        if cursor:
            request["cursor"] = cursor
        else:
            request["options"] = {"days_requested": DAYS_REQUESTED}
        return self._call(
            "transactions_sync",
            "TransactionsSyncRequest",
            request,
            read_page,
            retry=SYNC_READS,
            timeout=SYNC_TIMEOUT,
        )

    def remove(self, access_token: str) -> None:
        """Repeated where Plaid failed: what was removed before is no failure of a repeat."""
        self._call(
            "item_remove",
            "ItemRemoveRequest",
            {"access_token": access_token},
            lambda _: None,
            retry=PLAID_READS,
        )

    def webhook_key(self, key_id: str) -> Any:
        """The public key that Plaid signs with under this id; None when it has or uses none."""
        try:
            return self._call(
                "webhook_verification_key_get",
                "WebhookVerificationKeyGetRequest",
                {"key_id": key_id},
                _public_key,
            )
        except SignatureInvalid:
            return None

    def _call(  # noqa: PLR0913 - what differs between calls
        self,
        operation: str,
        model: str,
        request: Mapping[str, Any],
        read: Callable[[Any], T],
        *,
        retry: RetryPolicy = ONCE,
        timeout: Timeout | None = None,
    ) -> T:
        """One operation of the SDK, every attempt with timeouts, and its answer as ours."""
        sdk = self._sdk()

        def attempt(limit: Timeout) -> T:
            try:
                answer = getattr(sdk.api, operation)(
                    sdk.model(model, request), _request_timeout=(limit.connect, limit.read)
                )
                return read(answer)
            except sdk.ApiException as exc:
                raise _translated(operation, exc) from None  # its text holds the answer's body
            except AnswerTooLarge:
                raise DependencyFailed(repeatable=False, invalid=True) from None
            except HTTPError as exc:
                raise DependencyFailed from exc
            except (sdk.OpenApiException, PyJWKError, *_UNREADABLE) as exc:
                # Only the class: the text of a decoding error quotes the answer.
                log("upstream.invalid", level="error", errorClass=type(exc).__name__)
                raise DependencyFailed(repeatable=False, invalid=True) from None

        return self._guard.call(attempt, retry=retry, timeout=timeout)

    def _sdk(self) -> Any:
        with self._lock:
            if self._loaded is None:
                from budgetbuddy.gateways import plaid_sdk  # noqa: PLC0415 - 42 MB

                access = self._access
                pool = BoundedPool(ANSWER_BYTES, self._pins)
                self._loaded = plaid_sdk.load(
                    access.base_url, access.client_id, access.secret, pool
                )
            return self._loaded


def _public_key(told: Any) -> Any:
    key = told.key
    if key.expired_at is not None:
        return None
    members = {name: getattr(key, name) for name in ("alg", "crv", "kid", "kty", "use", "x", "y")}
    return PyJWK.from_dict(members).key


def _read_standing(told: Any) -> Standing:
    """An item in error answers well, and says which."""
    error = told.item.get("error")
    kind = _PROBLEMS.get(error.error_code) if error is not None else None
    return Standing(
        problem=_STANDING.get(kind) if kind else None,
        consent_until=told.item.get("consent_expiration_time"),
    )


def _translated(operation: str, exc: Any) -> Exception:
    """A problem of the user's, or a failure that counts."""
    code = _error_code(exc.body)
    if code in _PROBLEMS:
        return _PROBLEMS[code]()
    if exc.status == _TOO_MANY or exc.status >= _SERVER_ERROR or not exc.status:
        return DependencyFailed()
    log("upstream.refused", level="error", dependency=f"plaid {operation}", code=code)
    return UpstreamInvalid()


def _error_code(body: str | None) -> str:
    try:
        code = json.loads(body or "{}").get("error_code")
    except (ValueError, AttributeError):
        return "unreadable"
    return code if isinstance(code, str) and code.isascii() else "none"
