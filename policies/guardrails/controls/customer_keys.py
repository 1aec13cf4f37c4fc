"""Whether a key that something names is the customer's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from guardrails.values import Unknown, read, text

if TYPE_CHECKING:
    from guardrails.values import Node, Path

# Keys that AWS makes and manages for a service bear such a name; no customer may give one.
AWS_MANAGED: Final = re.compile(r"^(?:arn:[^:]*:kms:[^:]*:[^:]*:)?alias/aws/")


def names_customer_key(place: Node, path: Path) -> bool:
    """Whether a key is named, be it known or computed, that is none of AWS's own."""
    if isinstance(read(place, path), Unknown):
        return True
    name = text(place, path)
    return name is not None and name != "" and not AWS_MANAGED.match(name)
