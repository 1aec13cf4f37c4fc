"""What the live resource says, next to what was deployed."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws import recorded, schema
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.values import equivalent, plain

Properties = Mapping[str, Any]


def merged(inputs: Properties, live: Properties) -> dict[str, Any]:
    """Outputs after a deployment: live values, in the inputs' spelling where they agree."""
    values = dict(inputs) | {key: respelled(inputs.get(key), value) for key, value in live.items()}
    return {key: value for key, value in values.items() if value is not None}


def respelled(mine: Any, live: Any) -> Any:
    """`live` in the spelling of `mine` where they agree: order of lists, layout of documents.

    Fields of an object that only AWS knows stay.
    """
    if isinstance(mine, dict) and isinstance(live, dict):
        return {key: respelled(mine.get(key), value) for key, value in live.items()} | {
            key: value for key, value in mine.items() if key not in live and value is None
        }
    return mine if mine is not None and equivalent(mine, live) else live


def observed(  # noqa: PLR0913 - old and live state, and what names them
    token: str,
    *,
    olds: Properties,
    inputs: Properties,
    live: Properties,
    config: ProviderConfig,
    identity: str,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Outputs and inputs that describe the live resource, for `refresh`.

    An input that drifted takes the live value, so that the next `up` sees a difference and repairs
    it. A property that no input set, but that no longer has the value recorded at deployment,
    appears as an input, so that the next `up` removes it.
    """
    live = _with_own_tags(live, inputs, config)
    shown = merged(olds, live)
    known = schema.resource(token).inputs
    current = dict(inputs) if inputs else {}
    for key, value in live.items():
        if key in inputs:
            if not equivalent(plain(inputs[key]), value):
                current[key] = value
        elif key in known and (not inputs or (key in olds and not _agree(olds[key], value))):
            current[key] = value
    current = {key: value for key, value in current.items() if value is not None}
    return recorded.completed(token, identity, identity, shown, config), current


def _with_own_tags(live: Properties, inputs: Properties, config: ProviderConfig) -> Properties:
    """Split the live tags: all of them, and those the provider's defaults do not explain."""
    if live.get("tagsAll") is None:
        return live
    own = {
        key: value
        for key, value in live["tagsAll"].items()
        if config.default_tags.get(key) != value or key in (inputs.get("tags") or {})
    }
    return dict(live) | {"tags": own if own or "tags" in inputs else None}


def _agree(recorded_value: Any, live: Any) -> bool:
    """Whether two computed values say the same, fields that only one of them has apart."""
    return equivalent(recorded_value, live) or equivalent(live, recorded_value)
