"""The delivery program on the real engine, previewed once a stack, and what its roles may do."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcloud.engine.environment import Backend, engine_environment, pulumi

sys.path.insert(0, str(Path(__file__).parent))
from permissions import Identity, statements  # type: ignore[import-not-found] # beside this file

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "pipelines"
STACKS = ("staging", "production")
TIMEOUT_SECONDS = 120

StackConfig = dict[str, Any]


def stack_config(stack: str) -> StackConfig:
    config: StackConfig = yaml.safe_load((PROGRAM / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def with_values(config: StackConfig, values: Mapping[str, Any]) -> StackConfig:
    """Keys replaced, in our namespace unless they name another; None takes one out."""
    changed = dict(config)
    for name, value in values.items():
        key = name if ":" in name else f"budgetbuddy:{name}"
        if value is None:
            changed.pop(key, None)
        else:
            changed[key] = value
    return changed


def engine_view(config: StackConfig) -> dict[str, str]:
    """What the engine passes to the program: text, with everything else as JSON."""
    return {
        key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }


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
    depends_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Everything a stack would create."""

    resources: tuple[Planned, ...]
    outputs: Mapping[str, Any]

    def of(self, kind: str) -> list[Planned]:
        return [each for each in self.resources if each.type == kind]

    def one(self, kind: str, name: str | None = None) -> Planned:
        (found,) = [each for each in self.of(kind) if name in (None, each.name)]
        return found

    def at(self, urn: str) -> Planned:
        (found,) = [each for each in self.resources if each.urn == urn]
        return found


@dataclass(frozen=True, kw_only=True)
class Project:
    """A working copy whose stack file can be changed without touching the repository's."""

    directory: Path
    environment: Mapping[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One engine command; never raises, never asks."""
        return subprocess.run(
            [pulumi(), "-C", str(self.directory), "--non-interactive", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )


def make_project(directory: Path, stack: str, config: Mapping[str, Any]) -> Project:
    """Project with one stack whose file holds `config`."""
    directory.mkdir(parents=True)
    shutil.copy(PROGRAM / "Pulumi.yaml", directory)
    (directory / "__main__.py").symlink_to(PROGRAM / "__main__.py")
    state = directory / "state"
    backend = Backend(directory=state, passphrase_file=state / "passphrase")
    backend.prepare()
    # The event log is an engine feature for debugging; it alone has the outputs of a preview.
    environment = engine_environment(backend, stand_ins=True) | {"PULUMI_DEBUG_COMMANDS": "true"}
    project = Project(directory=directory, environment=environment)
    created = project.run("stack", "init", stack, "--secrets-provider", "passphrase")
    assert created.returncode == 0, created.stderr
    stack_file = directory / f"Pulumi.{stack}.yaml"
    salt = yaml.safe_load(stack_file.read_text())
    stack_file.write_text(yaml.safe_dump({**salt, "config": dict(config)}))
    return project


def preview(project: Project, stack: str) -> Preview:
    """Preview from nothing. Fails with the engine's own words."""
    log = project.directory / "events.jsonl"
    done = project.run("preview", "--stack", stack, "--json", "--event-log", str(log))
    assert done.returncode == 0, done.stdout + done.stderr
    states = [step["newState"] for step in json.loads(done.stdout)["steps"]]
    return Preview(
        resources=tuple(_planned(each) for each in states if each["type"] != STACK),
        outputs=_stack_outputs(log.read_text().splitlines()),
    )


STACK = "pulumi:pulumi:Stack"


def _stack_outputs(events: list[str]) -> Mapping[str, Any]:
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
        depends_on={
            key: tuple(urns or ()) for key, urns in state.get("propertyDependencies", {}).items()
        },
    )


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Each stack in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Preview]:
    """`plans(stack)` is its preview."""

    @cache
    def plan(stack: str) -> Preview:
        directory = tmp_path_factory.mktemp("delivery") / stack
        return preview(make_project(directory, stack, stack_config(stack)), stack)

    return plan


@pytest.fixture
def plan(stack: str, plans: Callable[[str], Preview]) -> Preview:
    """The preview of each stack in turn."""
    return plans(stack)


@pytest.fixture
def edited_project(tmp_path: Path) -> Callable[[str, Mapping[str, Any]], Project]:
    """A project whose stack file was changed before the engine sees it."""

    def make(stack: str, values: Mapping[str, Any]) -> Project:
        return make_project(tmp_path / stack, stack, with_values(stack_config(stack), values))

    return make


@pytest.fixture
def edited() -> Callable[[str, Mapping[str, Any]], dict[str, str]]:
    """The engine's view of a stack file after a change."""

    def edit(stack: str, values: Mapping[str, Any]) -> dict[str, str]:
        return engine_view(with_values(stack_config(stack), values))

    return edit


@pytest.fixture
def identities(plan: Preview) -> dict[str, Identity]:
    """Every role of the plan by its logical name, with all its documents and its boundary."""
    documents = {
        policy.urn: statements(policy.inputs["policy"])
        for policy in plan.of("aws:iam/policy:Policy")
    }
    return {
        role.name: Identity(
            name=role.name,
            documents=tuple(_documents(plan, role, documents)),
            boundary=documents[role.depends_on["permissionsBoundary"][0]],
        )
        for role in plan.of("aws:iam/role:Role")
    }


def _documents(
    plan: Preview, role: Planned, managed: Mapping[str, list[dict[str, Any]]]
) -> list[list[dict[str, Any]]]:
    inline = [
        statements(policy.inputs["policy"])
        for policy in plan.of("aws:iam/rolePolicy:RolePolicy")
        if role.urn in policy.depends_on["role"]
    ]
    attached = [
        managed[link.depends_on["policyArn"][0]]
        for link in plan.of("aws:iam/rolePolicyAttachment:RolePolicyAttachment")
        if role.urn in link.depends_on["role"]
    ]
    return [*inline, *attached]
