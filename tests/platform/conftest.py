"""Stack files as the engine hands them over, and whole programs previewed on the real engine.

Each stack is previewed once per session, with an image to run; every test asks the same plan.
"""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.engine.environment import Backend, engine_environment, pulumi

ROOT = Path(__file__).parents[2]
STACKS = ("local", "staging", "production")
RELEASED = {"imageDigest": "sha256:" + "a" * 64, "release": "0123abc"}

ORIGIN_VERIFY = "budgetbuddy:originVerify"
HEADER_VALUE = "headerValueOfTheTests" * 3
TIMEOUT_SECONDS = 300  # a preview takes 15; a loaded machine ten times as long
STACK = "pulumi:pulumi:Stack"


StackConfig = dict[str, Any]


def stack_config(stack: str) -> StackConfig:
    """Content of `Pulumi.<stack>.yaml`, sections as mappings."""
    config: StackConfig = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def with_values(config: StackConfig, values: dict[str, Any]) -> StackConfig:
    """`section.key` or `key` replaced, in our namespace unless the key names another."""
    changed = json.loads(json.dumps(config))
    for path, value in values.items():
        section, _, key = path.partition(".")
        full = section if ":" in section else f"budgetbuddy:{section}"
        if key:
            changed.setdefault(full, {})[key] = value
        else:
            changed[full] = value
    return changed  # type: ignore[no-any-return]  # json.loads returns Any


def engine_view(config: StackConfig) -> dict[str, str]:
    """What the engine passes to the program: text, objects and booleans as JSON, secrets in clear.

    A null takes a key away.
    """
    given = {ORIGIN_VERIFY: HEADER_VALUE} | config
    return {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in given.items()
        if value is not None
    }


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Each of the three stacks in turn."""
    return str(request.param)


@pytest.fixture
def edited() -> Callable[[str, dict[str, Any]], dict[str, str]]:
    """The engine's view of a stack file after a change."""

    def edit(stack: str, values: dict[str, Any]) -> dict[str, str]:
        return engine_view(with_values(stack_config(stack), values))

    return edit


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One resource as the engine would create it: inputs after the provider checked them."""

    urn: str
    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str
    protect: bool
    ignored: tuple[str, ...]
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def document(self, key: str) -> list[dict[str, Any]]:
        """Statements of a policy input. Fails when it is unknown before the first deployment."""
        statements: list[dict[str, Any]] = json.loads(self.inputs[key])["Statement"]
        return statements


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Everything a stack would create, and what the program exports."""

    resources: tuple[Planned, ...]
    outputs: Mapping[str, Any]
    text: str

    def of(self, kind: str) -> list[Planned]:
        """Resources of one type token."""
        return [each for each in self.resources if each.type == kind]

    def one(self, kind: str, name: str | None = None) -> Planned:
        """The only resource of a type, or of a type and name."""
        (found,) = [each for each in self.of(kind) if name in (None, each.name)]
        return found

    def at(self, urn: str) -> Planned:
        """The resource with a URN."""
        (found,) = [each for each in self.resources if each.urn == urn]
        return found


@dataclass(frozen=True, kw_only=True)
class Project:
    """A working copy whose stack files can be changed without touching the repository's."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        """One engine command, with `given` on standard input; never raises, never asks."""
        return subprocess.run(
            [pulumi(), "-C", str(self.directory), "--non-interactive", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            input=given,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )


def make_project(directory: Path, stack: str, config: Mapping[str, Any]) -> Project:
    """Project with one stack whose file holds `config`."""
    directory.mkdir(parents=True)
    shutil.copy(ROOT / "Pulumi.yaml", directory)
    (directory / "platform").symlink_to(ROOT / "platform")
    (directory / ".venv").symlink_to(ROOT / ".venv")
    backend = Backend(
        directory=directory / "state", passphrase_file=directory / "state" / "passphrase"
    )
    backend.prepare()
    # The event log is an engine feature for debugging; it alone has the outputs of a preview.
    environment = engine_environment(backend, stand_ins=True) | {"PULUMI_DEBUG_COMMANDS": "true"}
    project = Project(directory=directory, environment=environment)
    created = project.run("stack", "init", stack)
    assert created.returncode == 0, created.stderr
    stack_file = directory / f"Pulumi.{stack}.yaml"
    salt = yaml.safe_load(stack_file.read_text()) if stack_file.exists() else {}
    stack_file.write_text(yaml.safe_dump({**(salt or {}), "config": dict(config)}))
    secret = project.run(
        "config", "set", "--secret", ORIGIN_VERIFY, "--stack", stack, given=HEADER_VALUE
    )
    assert secret.returncode == 0, secret.stderr
    return project


def preview(project: Project, stack: str) -> Preview:
    """Preview from nothing. Fails with the engine's own words."""
    log = project.directory / "events.jsonl"
    done = project.run("preview", "--stack", stack, "--json", "--event-log", str(log))
    assert done.returncode == 0, done.stdout + done.stderr
    states = [step["newState"] for step in json.loads(done.stdout)["steps"]]
    return Preview(
        resources=tuple(_planned(state) for state in states if state["type"] != STACK),
        outputs=_stack_outputs(log.read_text().splitlines()),
        text=done.stdout,
    )


def _stack_outputs(events: list[str]) -> Mapping[str, Any]:
    """What the program exports; the plan itself leaves it out."""
    finished = (json.loads(line).get("resOutputsEvent", {}).get("metadata") for line in events)
    states = [each["new"] for each in finished if each and each["type"] == STACK]
    outputs: Mapping[str, Any] = states[-1]["outputs"]
    return outputs


def _without_marks(value: Any) -> Any:
    """Inputs without the provider's notes on which of them are defaults."""
    if isinstance(value, dict):
        return {key: _without_marks(each) for key, each in value.items() if key != "__defaults"}
    return [_without_marks(each) for each in value] if isinstance(value, list) else value


def _planned(state: Mapping[str, Any]) -> Planned:
    return Planned(
        urn=state["urn"],
        type=state["type"],
        name=state["urn"].rsplit("::", 1)[1],
        inputs=_without_marks(state.get("inputs", {})),
        parent=state.get("parent", ""),
        provider=state.get("provider", ""),
        protect=state.get("protect", False),
        ignored=tuple(state.get("ignoreChanges", ())),
        depends_on={
            key: tuple(urns or ()) for key, urns in state.get("propertyDependencies", {}).items()
        },
    )


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Preview]:
    """`plans(stack)` is its preview with an image, `plans(stack, released=False)` the first one."""

    @cache
    def plan(stack: str, *, released: bool = True) -> Preview:
        config = with_values(stack_config(stack), RELEASED if released else {})
        directory = tmp_path_factory.mktemp("preview") / stack
        return preview(make_project(directory, stack, config), stack)

    return plan


@pytest.fixture
def plan(stack: str, plans: Callable[..., Preview]) -> Preview:
    """The preview of each stack in turn."""
    return plans(stack)


@pytest.fixture
def production(plans: Callable[..., Preview]) -> Preview:
    """The preview of production."""
    return plans("production")


@pytest.fixture
def edited_project(tmp_path: Path) -> Callable[[str, dict[str, Any]], Project]:
    """A project whose stack file was changed before the engine sees it."""

    def make(stack: str, values: dict[str, Any]) -> Project:
        return make_project(tmp_path / stack, stack, with_values(stack_config(stack), values))

    return make
