"""What a route says about itself when it is registered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from budgetbuddy.domain.access import Access
from budgetbuddy.problems import Problem

Idempotency = Literal["none", "I", "I!"]  # not supported, accepted, required

KILOBYTE = 1_024
JSON_BYTES = 256 * KILOBYTE


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that is enforced before the route's function runs, and shown in OpenAPI."""

    area: str
    access: Access
    returns: Mapping[int, type[BaseModel] | None]
    problems: tuple[type[Problem], ...] = ()
    if_match: bool = False
    upsert: bool = False  # If-None-Match: * creates, If-Match replaces; one of them is needed
    idempotency: Idempotency = "none"
    limits: tuple[str, ...] = ()  # buckets beside `read`, `write` or `public`
    max_bytes: int = JSON_BYTES
    signed_by: str | None = None  # header that signs the body, which the route reads as it is
    parts: Mapping[str, type[BaseModel]]
