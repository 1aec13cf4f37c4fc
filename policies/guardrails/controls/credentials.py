"""Recognising credentials by name, by known format and by randomness."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

# Words in a variable's or property's name that promise a credential.
SENSITIVE_NAME: Final = re.compile(
    r"(?:^|[_.\-]|(?<=[a-z]))"
    r"(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential|access_?key)s?$",
    re.IGNORECASE,
)
# Endings that turn such a name into a reference: PASSWORD_FILE, secretArn, tokenTtl.
REFERENCE_NAME: Final = re.compile(
    r"(?:arn|id|name|path|file|url|uri|ttl|seconds|days|version|alias|prefix)s?$", re.IGNORECASE
)
# Formats that the issuers document; each is a credential wherever it stands. What may come before a
# fixed part has a bound: without one a long text takes time by the square of its length.
FORMATS: Final = {
    "an AWS access key id": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{40,}"),
    "a GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "a Slack token": re.compile(r"\bxox[abprs]-[\w-]{10,}"),
    "a Stripe secret key": re.compile(r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    "a JSON web token": re.compile(r"\beyJ[\w-]{10,500}\.eyJ[\w-]{10,8000}\.[\w-]{10}"),
    "a URL with a password": re.compile(
        r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@$]{1,256}:[^\s/@${]{4,256}@"
    ),
}
# One of these stands in every credential of the format. Looking for fixed text is a hundred times
# quicker than a pattern, and most text holds none.
HINTS: Final = {
    "an AWS access key id": ("AKIA", "ASIA"),
    "a private key": ("PRIVATE KEY-----",),
    "a GitHub token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "a GitLab token": ("glpat-",),
    "a Slack token": ("xox",),
    "a Stripe secret key": ("k_live_", "k_test_"),
    "a JSON web token": ("eyJ",),
    "a URL with a password": ("://",),
}
MINIMUM_LENGTH: Final = 8  # a shorter value under a sensitive name is a switch or a number
RANDOM_LENGTH: Final = 32
RANDOM_BITS: Final = 4.3  # bits per character: base64 randomness lies above, words and hex below
PLACEHOLDER: Final = re.compile(
    r"^(?:\$\{.*\}|\{\{.*\}\}|<.*>|\*+|x+|changeme|\[secret\])$", re.IGNORECASE
)
OPAQUE: Final = re.compile(r"^[A-Za-z0-9+/=_-]+$")


def known_format(value: str) -> str | None:
    """The issuer's name for a credential found anywhere in `value`."""
    return next((name for name, pattern in FORMATS.items() if _holds(value, name, pattern)), None)


def _holds(value: str, name: str, pattern: re.Pattern[str]) -> bool:
    return any(hint in value for hint in HINTS[name]) and bool(pattern.search(value))


def promises_credential(name: str) -> bool:
    """Whether a variable of this name holds a credential rather than a reference to one."""
    return bool(SENSITIVE_NAME.search(name)) and not REFERENCE_NAME.search(name)


def looks_like_credential(name: str, value: str) -> str | None:
    """Why `value` under `name` is taken for a credential, without quoting it; None if it is not."""
    if PLACEHOLDER.match(value) or value.startswith("arn:"):
        return None
    if found := known_format(value):
        return f"a literal that has the form of {found}"
    if promises_credential(name):
        if len(value) >= MINIMUM_LENGTH:
            return "a literal under a name that promises a credential"
        return None
    if _is_random(value):
        return "a literal that looks random, as keys do"
    return None


def _is_random(value: str) -> bool:
    """Whether `value` is one long opaque word of high entropy with letters, cases and digits."""
    if len(value) < RANDOM_LENGTH or not OPAQUE.match(value):
        return False
    classes = (str.islower, str.isupper, str.isdigit)
    if not all(any(test(c) for c in value) for test in classes):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return bits >= RANDOM_BITS
