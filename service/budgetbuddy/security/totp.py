"""One-time codes by time, RFC 6238: SHA-1, six digits, thirty seconds, as every app has them."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

DIGITS = 6
STEP_SECONDS = 30
SECRET_BYTES = 20  # RFC 4226 § 4: the size of the hash
SKEW = (0, -1, 1)  # clocks of phones are a little off; the step before is the likelier one
ISSUER = "BudgetBuddy"


class TotpCodes:
    """Implements `domain.second_factor.OneTimeCodes`."""

    def new_secret(self) -> bytes:
        """Twenty random bytes."""
        return secrets.token_bytes(SECRET_BYTES)

    def step_of(self, secret: bytes, code: str, now: datetime) -> int | None:
        """The step that `code` belongs to; all three are computed, whichever fits."""
        current = int(now.timestamp()) // STEP_SECONDS
        steps = [current + skew for skew in SKEW]
        fits = [hmac.compare_digest(code_at(secret, step), code) for step in steps]
        return next((step for step, fit in zip(steps, fits, strict=True) if fit), None)

    def uri(self, secret: bytes, account: str) -> tuple[str, str]:
        """Base32 without padding, and the key URI that authenticator apps agree on."""
        encoded = base64.b32encode(secret).decode().rstrip("=")
        label = quote(f"{ISSUER}:{account}", safe="")
        query = {
            "secret": encoded,
            "issuer": ISSUER,
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period": STEP_SECONDS,
        }
        return encoded, f"otpauth://totp/{label}?{urlencode(query)}"


def code_at(secret: bytes, step: int) -> str:
    """RFC 4226 § 5.3: dynamic truncation."""
    digest = hmac.new(secret, step.to_bytes(8), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFF_FFFF
    return str(number % 10**DIGITS).zfill(DIGITS)
