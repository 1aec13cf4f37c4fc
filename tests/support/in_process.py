"""Our program planned inside this process: the SDK, the stand-in providers, and no engine between.

The engine hands requests of the program to providers and keeps what they answer. `Monitor` does
that for a first preview, by the same protocol objects, in a second or two; a test compares the
result with the engine's own, resource by resource.
"""

import asyncio
import json
import logging
import os
import runpy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import pulumi
import pulumi_awsx
from google.protobuf import empty_pb2
from pulumi import _types
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.proto import provider_pb2, resource_pb2

from localcloud.providers.aws.server import AwsProvider
from localcloud.providers.aws.values import SECRET_SIGNATURE, SIGNATURE_KEY
from localcloud.providers.awsx.arguments import parse
from localcloud.providers.awsx.vpc import Vpc as ExpandedVpc

PROJECT = "budgetbuddy-platform"
PROGRAM = Path(__file__).parents[2] / "platform" / "__main__.py"
STACK = "pulumi:pulumi:Stack"
PROVIDER = "pulumi:providers:aws"
SEED = b"first preview"
# Values of the stack file that are encrypted there; any will do.
SECRETS = {"budgetbuddy:originVerify": "a" * 64}


class RefusedError(Exception):
    """A provider refused a resource; the message is what the engine would print."""


class _Context:
    """What a provider's method gets instead of a gRPC call."""

    def abort(self, _code: Any, text: str) -> NoReturn:
        raise RefusedError(text)

    def abort_with_status(self, status: Any) -> NoReturn:
        raise RefusedError(status.details)


@dataclass
class Monitor:
    """The engine's side of the protocol for one program; `states` are as its preview prints them.

    `outputs` is what the program exports.
    """

    name: str
    states: list[dict[str, Any]] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    _providers: dict[str, AwsProvider] = field(default_factory=dict)
    _one_at_a_time: Lock = field(default_factory=Lock)  # the SDK calls from many threads

    def GetDeploymentInfo(self, _request: Any) -> Any:  # noqa: N802 - the protocol's names
        """Features of the SDK's own mock, which are those a program needs."""
        return mocks.MockMonitor.GetDeploymentInfo(self, _request)  # type: ignore[no-untyped-call,arg-type]  # the SDK's mock

    def SupportsFeature(self, request: Any) -> Any:  # noqa: N802
        """As the SDK's own mock."""
        return mocks.MockMonitor.SupportsFeature(self, request)  # type: ignore[no-untyped-call,arg-type]  # the SDK's mock

    def RegisterPackage(self, _request: Any) -> Any:  # noqa: N802
        """Packages are those that are installed."""
        return resource_pb2.RegisterPackageResponse(ref="installed")

    def SignalAndWaitForShutdown(self, _request: Any) -> Any:  # noqa: N802
        """Nothing to wait for."""
        return empty_pb2.Empty()

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """The stack's are what the program exports."""
        if f"::{STACK}::" in request.urn:
            self.outputs = _printed(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """A data source, answered by the provider it names."""
        asked = provider_pb2.InvokeRequest(tok=request.tok, args=request.args)
        answer = self._provider(request.provider).Invoke(asked, _Context())
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(getattr(answer, "return"))
        return response

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        """Check the inputs, show what would be made, remember both."""
        with self._one_at_a_time:
            return self._registered(request)

    def _registered(self, request: Any) -> Any:
        urn = self._urn(request)
        inputs, outputs = request.object, None
        if request.type == PROVIDER:
            self._configure(urn, request.object)
        elif request.custom:
            inputs, outputs = self._planned(urn, request)
        self.states.append(_state(urn, request, _printed(inputs)))
        return resource_pb2.RegisterResourceResponse(urn=urn, object=outputs)

    def _planned(self, urn: str, request: Any) -> tuple[Any, Any]:
        provider = self._provider(request.provider)
        asked = provider_pb2.CheckRequest(
            urn=urn, type=request.type, name=request.name, news=request.object, randomSeed=SEED
        )
        checked = provider.Check(asked, _Context())
        if checked.failures:
            raise RefusedError("; ".join(each.reason for each in checked.failures))
        wanted = provider_pb2.CreateRequest(
            urn=urn,
            type=request.type,
            name=request.name,
            properties=checked.inputs,
            preview=True,
        )
        return _secret_as_asked(request.object, checked.inputs), provider.Create(
            wanted, _Context()
        ).properties

    def _configure(self, urn: str, arguments: Any) -> None:
        provider = AwsProvider(logging.getLogger("in-process"))
        provider.Configure(provider_pb2.ConfigureRequest(args=arguments), _Context())
        self._providers[urn] = provider

    def _provider(self, reference: str) -> AwsProvider:
        return self._providers[reference.rpartition("::")[0]]

    def _urn(self, request: Any) -> str:
        """Types of the parents lead to a resource; the stack is no part of the way."""
        way = request.parent.split("::")[2] if request.parent else STACK
        kind = request.type if way == STACK else f"{way}${request.type}"
        return f"urn:pulumi:{self.name}::{PROJECT}::{kind}::{request.name}"


def _state(urn: str, request: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "urn": urn,
        "custom": request.custom,
        "type": request.type,
        "inputs": inputs,
        "parent": request.parent,
        "provider": request.provider,
        "protect": request.protect,
        "ignoreChanges": list(request.ignoreChanges),
        "dependencies": sorted(request.dependencies),
        "propertyDependencies": {
            key: sorted(each.urns) for key, each in request.propertyDependencies.items()
        },
    }


def _printed(struct: Any) -> dict[str, Any]:
    """Properties as the engine prints them: a secret is a word, a reference its id."""
    return {key: _printed_value(value) for key, value in struct.fields.items()}


def _printed_value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            if value.struct_value.fields[SIGNATURE_KEY].string_value == SECRET_SIGNATURE:
                return "[secret]"
            return {
                key: _printed_value(each)
                for key, each in value.struct_value.fields.items()
                if key != SIGNATURE_KEY
            }
        case "list_value":
            return [_printed_value(each) for each in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "null_value" | None:
            return None
        case kind:
            return getattr(value, kind)


def _secret_as_asked(asked: Any, checked: Any) -> Any:
    """Providers here never see that a value is secret; the engine keeps the whole property so."""
    for key, value in asked.fields.items():
        if key in checked.fields and _holds_secret(value):
            marked = checked.fields[key].struct_value.fields
            marked[SIGNATURE_KEY].string_value = SECRET_SIGNATURE
    return checked


def _holds_secret(value: Any) -> bool:
    fields = value.struct_value.fields
    if SIGNATURE_KEY in fields and fields[SIGNATURE_KEY].string_value == SECRET_SIGNATURE:
        return True
    return any(map(_holds_secret, (*fields.values(), *value.list_value.values)))


class _Vpc(ExpandedVpc):
    """`awsx.ec2.Vpc` for the program, expanded here instead of in a plugin."""

    def __init__(
        self, name: str, *, opts: pulumi.ResourceOptions | None = None, **arguments: Any
    ) -> None:
        super().__init__(name, parse(_wire(arguments), []), opts)
        for key, value in self.state.items():
            setattr(self, _snake(key), pulumi.Output.from_input(value))


def _wire(value: Any) -> Any:
    """Arguments as a plugin gets them: names in camel case, enums as text."""
    match value:
        case dict():
            return {_camel(key): _wire(each) for key, each in value.items() if each is not None}
        case list():
            return [_wire(each) for each in value]
        case _ if _types.is_input_type(type(value)):
            return _wire(_types.input_type_to_dict(value))
        case _:
            return getattr(value, "value", value)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _snake(name: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name)


def _run_program() -> None:
    runpy.run_path(str(PROGRAM))


@dataclass(frozen=True, kw_only=True)
class InProcess:
    """What the program of one stack asks for."""

    states: Sequence[Mapping[str, Any]]
    outputs: Mapping[str, Any]


def plan_in_process(name: str, config: Mapping[str, str]) -> InProcess:
    """Run the program once as stack `name`. `config` is what the engine would pass.

    Raises what the program raises, and `RefusedError` for what a provider refuses.
    """
    monitor = Monitor(name=name)
    asyncio.set_event_loop(asyncio.new_event_loop())
    settings.configure(
        mocks.MockSettings(  # type: ignore[no-untyped-call]  # the SDK's mock
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=mocks.MockEngine(None),
            project=PROJECT,
            stack=name,
            dry_run=True,
            organization=None,
        )
    )
    settings.set_root_resource(None)  # type: ignore[arg-type]  # a new stack begins without one
    os.environ["PULUMI_CONFIG"] = json.dumps({**config, **SECRETS})
    os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(SECRETS))
    original = pulumi_awsx.ec2.Vpc
    pulumi_awsx.ec2.Vpc = _Vpc  # type: ignore[assignment,misc]  # its plugin is a process
    try:
        loop = asyncio.get_event_loop()
        loop.run_until_complete(stack.run_in_stack(_run_program))
    finally:
        pulumi_awsx.ec2.Vpc = original  # type: ignore[misc]
    return InProcess(states=monitor.states, outputs=monitor.outputs)
