"""`python -m budgetbuddy.openapi`: writes the OpenAPI document that `docs/openapi.json` holds.

No setting, no secret and no connection is needed: nothing is served.
"""

import json
import sys
from typing import TYPE_CHECKING, Any, cast

from pydantic import AnyHttpUrl

from budgetbuddy.api._app import build_app
from budgetbuddy.api._spec import openapi_document
from budgetbuddy.settings import Environment, Settings

if TYPE_CHECKING:
    from budgetbuddy.domain.services import Services

ORIGIN = "http://127.0.0.1:8080"  # where the service listens on a laptop


def rendered_document() -> str:
    """The document as it is committed: keys in order, two spaces, one line feed at the end."""
    settings: Any = Settings.model_construct(
        environment=Environment.LOCAL,
        public_base_url=AnyHttpUrl(ORIGIN),
        release="none",
        trusted_proxy_hops=0,
    )
    app = build_app(settings, cast("Services", None))
    return json.dumps(openapi_document(app), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(rendered_document())
