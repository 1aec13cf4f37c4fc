"""Between the SDK's camelCase and the service APIs' PascalCase, for nested configurations.

`names` lists the words that follow no rule, wire name to API name.
"""

from collections.abc import Mapping
from typing import Any

Names = Mapping[str, str]


def to_api(value: Any, names: Names) -> Any:
    """A nested property as the service wants it; missing values are left out."""
    if isinstance(value, Mapping):
        return {
            names.get(key, key[:1].upper() + key[1:]): to_api(item, names)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [to_api(item, names) for item in value]
    return value


def from_api(value: Any, names: Names) -> Any:
    """A service's answer as a nested property."""
    back = {api: wire for wire, api in names.items()}
    if isinstance(value, Mapping):
        return {
            back.get(key, key[:1].lower() + key[1:]): from_api(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [from_api(item, names) for item in value]
    return value
