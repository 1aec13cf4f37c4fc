"""An embedded AWS shared by the session, and resources driven as the engine drives them."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest

from localcloud.emulator.process import Emulator, running
from localcloud.providers.aws import check, config, diff, naming
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.aws.lifecycle import Deployed, Lifecycle

REGION = "us-east-1"
DEFAULT_TAGS = {"project": "sample"}
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with running(tmp_path_factory.mktemp("emulator")) as embedded:
        yield embedded


@pytest.fixture(scope="session")
def provider_config(emulator: Emulator) -> ProviderConfig:
    return config.parse(
        {
            "region": REGION,
            "endpoints": [{"dynamodb": emulator.endpoint, "s3": emulator.endpoint}],
            "defaultTags": {"tags": DEFAULT_TAGS},
        }
    )


@pytest.fixture(scope="session")
def session() -> boto3.session.Session:
    return boto3.session.Session("test", "test", region_name=REGION)


@dataclass
class Cloud:
    """What a test does to the embedded AWS behind the provider's back."""

    endpoint: str
    session: boto3.session.Session

    def client(self, service: str) -> Any:
        name: Any = service
        return self.session.client(name, endpoint_url=self.endpoint)


@pytest.fixture(scope="session")
def cloud(emulator: Emulator, session: boto3.session.Session) -> Cloud:
    return Cloud(emulator.endpoint, session)


@dataclass
class Resource:
    """One resource in the hands of a miniature engine: old inputs, outputs, id."""

    lifecycle: Lifecycle
    token: str
    name: str
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @property
    def deployed(self) -> Deployed:
        return Deployed(self.id, self.outputs, self.inputs)

    def checked(self, program: Mapping[str, Any]) -> dict[str, Any]:
        assert check.failures(self.token, self.name, program) == []
        request = naming.Request(self.name, self.name.encode())
        return check.completed(self.token, program, self.inputs, request, self.lifecycle.config)

    def create(self, program: Mapping[str, Any]) -> "Resource":
        checked = self.checked(program)
        self.id, self.outputs = self.lifecycle.create(self.token, self.name, checked)
        self.inputs = checked
        return self

    def changes(self, program: Mapping[str, Any]) -> list[diff.Change]:
        return diff.changes(self.token, self.inputs, self.checked(program))

    def update(self, program: Mapping[str, Any]) -> None:
        checked = self.checked(program)
        self.outputs = self.lifecycle.update(self.token, self.name, self.deployed, checked)
        self.inputs = checked

    def refresh(self) -> bool:
        """Take over the live state; False when the resource is gone."""
        found = self.lifecycle.read(self.token, self.name, self.deployed)
        if found is None:
            return False
        self.outputs, self.inputs = found
        return True

    def delete(self) -> None:
        self.lifecycle.delete(self.token, self.name, self.deployed)


@dataclass
class Workbench:
    """Makes resources and removes what a test left, newest first."""

    lifecycle: Lifecycle
    made: list[Resource] = field(default_factory=list)

    def resource(self, token: str, name: str = "") -> Resource:
        resource = Resource(self.lifecycle, token, name or f"sample{next(_numbers)}")
        self.made.append(resource)
        return resource


@pytest.fixture
def bench(provider_config: ProviderConfig) -> Iterator[Workbench]:
    workbench = Workbench(Lifecycle(provider_config))
    yield workbench
    for resource in reversed(workbench.made):
        if resource.id:
            resource.delete()
