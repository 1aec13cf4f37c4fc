"""A role gets one document, written once."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings

from infra.identity import RoleArgs, ServiceRole
from infra.naming import Names
from infra.policy import Statement

READ = Statement(sid="Read", actions=("s3:GetObject",), resources=("arn:aws:s3:::b/*",))
WRITE = Statement(sid="Write", actions=("s3:PutObject",), resources=("arn:aws:s3:::b/*",))


class Recorder(mocks.Mocks):
    """Answers with the inputs and remembers them."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.inputs[args.typ] = args.inputs
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:aws:iam::1:role/{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(f"a component must not look anything up: {args.token}")


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    recorder = Recorder()
    mocks.set_mocks(recorder, preview=False)
    yield recorder
    settings.reset_options()
    asyncio.set_event_loop(None)
    loop.close()


def role(name: str = "task") -> ServiceRole:
    names = Names(account_id="123456789012", region="us-east-1", environment="staging")
    boundary = names.boundary_arn("budgetbuddy-boundary")
    return ServiceRole(
        name,
        RoleArgs(names=names, service="ecs-tasks", description="d", boundary_arn=boundary),
    )


def test_sealing_writes_one_sorted_document_and_forbids_others(recorder: Recorder) -> None:
    @pulumi.runtime.test
    def program() -> None:
        one = role()
        one.allow(WRITE)
        one.allow(READ)
        one.seal()

    program()
    document = json.loads(recorder.inputs["aws:iam/rolePolicy:RolePolicy"]["policy"])

    assert [each["Sid"] for each in document["Statement"]] == ["Read", "Write"]
    exclusive = recorder.inputs["aws:iam/rolePoliciesExclusive:RolePoliciesExclusive"]
    assert exclusive["policyNames"] == ["inline"]
    created = recorder.inputs["aws:iam/role:Role"]
    assert created["path"] == "/budgetbuddy/"
    assert created["permissionsBoundary"].endswith(":policy/budgetbuddy/budgetbuddy-boundary")


@pytest.mark.usefixtures("recorder")
def test_a_role_is_sealed_once_and_never_empty() -> None:
    @pulumi.runtime.test
    def program() -> None:
        empty, twice = role("empty"), role("twice")
        twice.allow(READ)
        twice.seal()
        with pytest.raises(RuntimeError, match="empty"):
            empty.seal()
        with pytest.raises(RuntimeError, match="twice"):
            twice.seal()
        with pytest.raises(RuntimeError, match="twice"):
            twice.allow(WRITE)

    program()


@pytest.mark.usefixtures("recorder")
def test_two_grants_of_one_name_are_refused() -> None:
    @pulumi.runtime.test
    def program() -> None:
        one = role()
        one.allow(READ, READ)
        with pytest.raises(ValueError, match="share a sid"):
            one.seal()

    program()
