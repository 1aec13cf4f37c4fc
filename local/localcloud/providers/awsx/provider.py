"""The plugin: constructs `awsx:ec2:Vpc`, refuses every other type by name."""

import asyncio
import functools
import inspect
import logging
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from importlib.metadata import version
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer

from localcloud.providers import serving
from localcloud.providers.awsx.arguments import needs_zones, parse
from localcloud.providers.awsx.layout import LayoutError
from localcloud.providers.awsx.vpc import TOKEN, Vpc

WORKERS = 4  # the engine constructs one network, and says farewell


class AwsxProvider(Provider):
    """Stand-in for the `awsx` component plugin."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__(version("pulumi-awsx"))
        self._log = log

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        """Make the component's children. A wrong argument is told without a stack."""
        if resource_type != TOKEN:
            raise _refusal(f"the stand-in provider has no {resource_type}; it makes only {TOKEN}")
        try:
            zones = _available_zones(options) if needs_zones(inputs) else []
            component = Vpc(name, parse(inputs, zones), options)
        except (LayoutError, ValueError) as error:
            self._log.warning("%s %s: %s", resource_type, name, error)
            raise _refusal(f"{TOKEN} {name}: {error}") from error
        return ConstructResult(urn=component.urn, state=component.state)


def _refusal(text: str) -> pulumi.InputPropertiesError:
    # With errors=None the SDK itself fails on the way out.
    return pulumi.InputPropertiesError(text, [])


def _available_zones(options: pulumi.ResourceOptions | None) -> list[str]:
    invoke = pulumi.InvokeOptions(parent=options.parent if options else None)
    return list(aws.get_availability_zones(state="available", opts=invoke).names)


def serve(engine_address: str) -> None:
    """Run the plugin for the engine at `engine_address` until it is told to stop."""
    provider = AwsxProvider(serving.log_to_file("awsx"))
    servicer = ProviderServicer(provider, sys.argv[1:], engine_address=engine_address)
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    serving.serve(_in_threads(servicer, loop), workers=WORKERS)


def _in_threads(servicer: ProviderServicer, loop: asyncio.AbstractEventLoop) -> ProviderServicer:
    """Have a server with threads call what the SDK wrote as coroutines; these run in `loop`.

    The SDK's own server is gRPC's for asyncio, in one process with the other kind of calls that a
    component makes; the engine's farewell has gone unanswered there.
    """
    for name, method in inspect.getmembers(servicer, inspect.iscoroutinefunction):
        if name[0].isupper():  # a call of the protocol
            setattr(servicer, name, functools.partial(_result, loop, method))
    return servicer


def _result(
    loop: asyncio.AbstractEventLoop, method: Callable[..., Coroutine[Any, Any, Any]], *given: Any
) -> Any:
    return asyncio.run_coroutine_threadsafe(method(*given), loop).result()
