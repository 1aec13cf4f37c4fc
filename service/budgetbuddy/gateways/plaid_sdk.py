"""The Plaid SDK, set up so that it keeps no retries of its own and bounded answers."""

import importlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plaid  # type: ignore[import-untyped] # ships no types
from plaid.api.plaid_api import PlaidApi  # type: ignore[import-untyped] # as above
from plaid.exceptions import (  # type: ignore[import-untyped] # as above
    ApiException,
    OpenApiException,
)

from budgetbuddy.gateways.pool import BoundedPool

# The SDK logs whole answers, tokens included, where debugging is on.
logging.getLogger("plaid.rest").disabled = True

_WORDS = re.compile(r"(?<!^)(?=[A-Z])")


@dataclass(frozen=True)
class Sdk:
    """Its client, and the exceptions it raises."""

    api: Any
    ApiException: type[Exception]
    OpenApiException: type[Exception]

    @staticmethod
    def model(name: str, values: Mapping[str, Any]) -> Any:
        """A request, checked by the SDK's own model of that name."""
        module = importlib.import_module(f"plaid.model.{_WORDS.sub('_', name).lower()}")
        cls = getattr(module, name)
        return cls._new_from_openapi_data(**values, _configuration=plaid.Configuration())


def load(base_url: str, client_id: str, secret: str, pool: BoundedPool) -> Sdk:
    """A client that is safe to share between threads."""
    configuration = plaid.Configuration(
        host=base_url, api_key={"clientId": client_id, "secret": secret}
    )
    client = plaid.ApiClient(configuration)
    client.rest_client.pool_manager = pool
    return Sdk(PlaidApi(client), ApiException, OpenApiException)
