"""The plugin: constructs `awsx:ec2:Vpc`, refuses every other type by name."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import grpc.aio
import pulumi
import pulumi_aws as aws
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from localcloud.providers import serving
from localcloud.providers.awsx.arguments import needs_zones, parse
from localcloud.providers.awsx.layout import LayoutError
from localcloud.providers.awsx.vpc import TOKEN, Vpc

MAX_MESSAGE_BYTES = 400 * 1024 * 1024  # the engine's own limit


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


async def _run(engine_address: str, log: logging.Logger) -> None:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ]
    )
    servicer = ProviderServicer(AwsxProvider(log), sys.argv[1:], engine_address=engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port(f"{serving.LOOPBACK}:0")
    await server.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, os._exit, 0)
    serving.leave_with_the_engine(lambda: os._exit(0))
    serving.announce(port)
    await server.wait_for_termination()


def serve(engine_address: str) -> None:
    """Run the plugin for the engine at `engine_address` until it is told to stop."""
    asyncio.run(_run(engine_address, serving.log_to_file("awsx")))
