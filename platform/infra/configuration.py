"""From a stack file to `Settings`, or to one error that lists every problem: key, value, rule."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
from pulumi.runtime import config as engine
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from infra.rules import broken_rules
from infra.setting_types import STRICT
from infra.settings import Settings
from infra.stack_secrets import ENCRYPTED, NAMESPACE, SECRET_KEYS, secret_problems

REGION_KEY = "aws:region"
# Tells the language host that the reason was shown, so that the engine adds nothing to it.
ERROR_SHOWN = 32
ENGINE_NAMESPACE = "pulumi"  # the engine's own settings; they never reach a resource


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One wrong key. `value` is text to show, empty when there is none or it is a secret."""

    key: str
    value: str = ""
    must: str

    def __str__(self) -> str:
        return f"{self.key} {f'is {self.value}: ' if self.value else ''}{self.must}"


class ConfigurationError(Exception):
    """The stack file is wrong; `problems` says everything that is."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        lines = [str(problem) for problem in problems]
        several = f"{len(lines)} problems\n  - " + "\n  - ".join(lines)
        super().__init__(f"stack configuration: {lines[0] if len(lines) == 1 else several}")


def load_settings() -> Settings:
    """Settings of the running stack; a wrong stack file ends the program with one error."""
    secret = frozenset(engine.get_config_secret_keys_env())
    try:
        return read_settings(engine.get_config_env(), pulumi.get_stack(), secret)
    except ConfigurationError as error:
        pulumi.log.error(str(error))
        raise SystemExit(ERROR_SHOWN) from None


def read_settings(
    config: Mapping[str, str], stack: str, secret_keys: frozenset[str] = ENCRYPTED
) -> Settings:
    """Settings from what the engine passes on: full key -> text, objects as JSON text.

    `secret_keys` are the keys that the stack file holds encrypted.
    """
    given = {_field(key): text for key, text in config.items() if _field(key)}
    secrets = {name: given.get(name) for name in SECRET_KEYS}
    fields = {name: _parse(text) for name, text in given.items() if name not in secrets}
    secret_fields = {_field(key) for key in secret_keys} | secrets.keys()
    problems = list(_foreign_keys(config))
    problems += [Problem(key=key, must=must) for key, must in secret_problems(config, secret_keys)]
    settings: Settings | None = None
    try:
        settings = Settings.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        problems += _field_problems(error, secret_fields)
    values = {"stack": stack, **secrets, **dict(_valid_values(Settings, fields))}
    for rule, value in broken_rules(values):
        shown = _shown(rule.keys[0], value, secret_fields)
        problems.append(Problem(key=_full_key(rule.keys[0]), value=shown, must=rule.must))
    if settings is None or problems:
        raise ConfigurationError(problems)
    return settings


def _field(key: str) -> str:
    """`budgetbuddy:network` is field `network`; a key that is not ours is ""."""
    namespace, _, name = key.partition(":")
    if key == REGION_KEY:
        return "region"
    return name if namespace == NAMESPACE and name != "region" else ""


def _full_key(path: str) -> str:
    return REGION_KEY if path == "region" else f"{NAMESPACE}:{path}"


def _parse(text: str) -> Any:
    """Objects and booleans come as JSON text, everything else as it stands."""
    return json.loads(text) if text in {"true", "false"} or text[:1] in {"{", "["} else text


def _shown(path: str, value: object, secret_fields: set[str]) -> str:
    """The value as the reader wrote it; a secret is never repeated."""
    if path.split(".", maxsplit=1)[0] in secret_fields:
        return ""
    return json.dumps(value, default=str)


def _foreign_keys(config: Mapping[str, str]) -> Iterator[Problem]:
    for key in config:
        if not _field(key) and key.partition(":")[0] != ENGINE_NAMESPACE:
            yield Problem(key=key, must=f"is not a known key; ours start with {NAMESPACE}:")


def _field_problems(error: ValidationError, secret_fields: set[str]) -> Iterator[Problem]:
    for detail in error.errors():
        location = [str(part) for part in detail["loc"]]
        path = ".".join(location)
        match detail["type"]:
            case "extra_forbidden":
                must = f"is not a known key; known are {', '.join(_known_keys(location[:-1]))}"
                yield Problem(key=_full_key(path), must=must)
            case "missing":
                yield Problem(key=_full_key(path), must="is required")
            case _:
                shown = _shown(path, detail["input"], secret_fields)
                yield Problem(key=_full_key(path), value=shown, must=_in_our_words(detail["msg"]))


def _in_our_words(message: str) -> str:
    """Pydantic's `Input should be ...` and our own `Value error, must be ...` as one phrase."""
    plain = message.removeprefix("Value error, ")
    return plain.replace("Input should be", "must be").replace("Input is", "must be")


def _known_keys(path: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in path:
        annotation = next(f.annotation for f in model.model_fields.values() if f.alias == part)
        if not isinstance(annotation, type) or not issubclass(annotation, BaseModel):
            return []
        model = annotation
    names = [field.alias or name for name, field in model.model_fields.items()]
    own = [] if path else [*SECRET_KEYS]
    return sorted(name for name in [*names, *own] if path or name != "region")


def known_paths(model: type[BaseModel] = Settings, prefix: str = "") -> list[str]:
    """Every key a stack file may hold, as `section.key`."""
    paths: list[str] = []
    for name, field in model.model_fields.items():
        path = f"{prefix}{field.alias or name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            paths += known_paths(field.annotation, f"{path}.")
        else:
            paths.append(path)
    return paths


def _kind(field: FieldInfo) -> Any:
    """The field's type with its constraints, apart from its model."""
    kind: Any = field.annotation
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    return kind


def _valid_values(
    model: type[BaseModel], raw: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Every key that is valid by itself, as (`section.key`, value); defaults included."""
    for name, field in model.model_fields.items():
        key = field.alias or name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            section = raw.get(key, {})
            if isinstance(section, Mapping):
                yield from _valid_values(field.annotation, section, f"{prefix}{key}.")
        elif key not in raw:
            if not field.is_required():
                yield f"{prefix}{key}", field.get_default()
        else:
            adapter = TypeAdapter(_kind(field), config=STRICT)
            try:
                yield f"{prefix}{key}", adapter.validate_json(json.dumps(raw[key]))
            except ValidationError:
                continue  # already in the list of problems
