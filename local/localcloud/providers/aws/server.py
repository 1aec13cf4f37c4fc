"""The plugin's gRPC service: thin, each method parses, asks the pure modules, and answers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from localcloud.providers import serving
from localcloud.providers.aws import check, config, diff, facts, invokes, lifecycle, naming
from localcloud.providers.aws.values import from_struct, plain, to_struct
from localcloud.providers.errors import ProviderError

WORKERS = 16
CONFIG_PREFIX = "aws:config:"
MODES = {
    provider_pb2.CheckRequest.AutonamingOptions.PROPOSE: naming.Mode.PROPOSE,
    provider_pb2.CheckRequest.AutonamingOptions.ENFORCE: naming.Mode.ENFORCE,
    provider_pb2.CheckRequest.AutonamingOptions.DISABLE: naming.Mode.DISABLE,
}


class AwsProvider(provider_pb2_grpc.ResourceProviderServicer):
    """A stand-in for the `aws` resource plugin, working on an embedded AWS or on nothing."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lifecycle = lifecycle.Lifecycle(config.ProviderConfig())

    @contextmanager
    def _answering(self, context: grpc.ServicerContext, what: str) -> Iterator[None]:
        """Turn failures into the engine's error text: refusals verbatim, defects by name."""
        try:
            yield
        except lifecycle.HalfMadeError as half_made:
            self._log.warning("%s: half made: %s", what, half_made)
            context.abort_with_status(_half_made_status(half_made))
        except ProviderError as error:
            self._log.warning("%s: %s", what, error)
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:  # noqa: BLE001 - a defect must reach the user and the log
            self._log.exception("%s", what)
            text = f"stand-in provider: {type(error).__name__}: {error}"
            context.abort(grpc.StatusCode.INTERNAL, text)

    # --- the plugin itself ---------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - protocol
        """Secrets come in plain: the engine then keeps their outputs secret by itself."""
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - protocol
        """The version of the SDK whose types this plugin takes."""
        return plugin_pb2.PluginInfo(version=version("pulumi-aws"))

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - protocol
        """Nothing to say to a debugger."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - protocol
        """Calls are short: let them end."""
        return empty_pb2.Empty()

    # --- configuration -------------------------------------------------------------------------

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Refuse endpoints that are not loopback before anything is planned."""
        with self._answering(context, "CheckConfig"):
            news = from_struct(request.news)
            try:
                config.check_endpoints(news)
            except ProviderError as error:
                failure = provider_pb2.CheckFailure(reason=str(error))
                return provider_pb2.CheckResponse(failures=[failure])
            return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002 - protocol
        """A new endpoint or tag changes the provider in place; resources show their own changes."""
        changed = from_struct(request.old_inputs) != from_struct(request.news)
        kind = provider_pb2.DiffResponse
        return kind(changes=kind.DIFF_SOME if changed else kind.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Take the configuration; the account guard speaks here."""
        with self._answering(context, "Configure"):
            raw = {k.removeprefix(CONFIG_PREFIX): v for k, v in request.variables.items()}
            parsed = config.parse(raw | from_struct(request.args))
            self._lifecycle = lifecycle.Lifecycle(parsed)
            self._log.info("configured for account %s in %s", parsed.account, parsed.region)
            return provider_pb2.ConfigureResponse(
                supportsPreview=True, supports_autonaming_configuration=True
            )

    # --- resources -----------------------------------------------------------------------------

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Judge and complete the inputs of a resource."""
        with self._answering(context, f"Check {request.urn}"):
            news = plain(from_struct(request.news))
            found = check.failures(request.type, request.name, news)
            if found:
                # With a property named, the engine would print "value {<nil>}".
                return provider_pb2.CheckResponse(
                    failures=[provider_pb2.CheckFailure(reason=reason) for reason in found]
                )
            checked = check.completed(
                request.type,
                news,
                from_struct(request.olds),
                _naming_request(request),
                self._lifecycle.config,
            )
            return provider_pb2.CheckResponse(inputs=to_struct(checked))

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Compare old and new inputs."""
        with self._answering(context, f"Diff {request.urn}"):
            olds = from_struct(request.old_inputs)
            found = diff.changes(request.type, olds, from_struct(request.news))
            return _diff_response(found, delete_first=facts.of(request.type).delete_first)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Make a resource, or show what it will be."""
        with self._answering(context, f"Create {request.urn}"):
            inputs = from_struct(request.properties)
            if request.preview:
                shown = self._lifecycle.preview_create(request.type, inputs)
                return provider_pb2.CreateResponse(properties=to_struct(shown))
            identity, made = self._lifecycle.create(request.type, request.name, inputs)
            return provider_pb2.CreateResponse(id=identity, properties=to_struct(made))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """The live state; an empty id tells that the resource is gone."""
        with self._answering(context, f"Read {request.urn}"):
            old = lifecycle.Deployed(
                request.id, from_struct(request.properties), from_struct(request.inputs)
            )
            found = self._lifecycle.read(request.type, request.name, old)
            if found is None:
                return provider_pb2.ReadResponse()
            outputs, inputs = found
            return provider_pb2.ReadResponse(
                id=request.id, properties=to_struct(outputs), inputs=to_struct(inputs)
            )

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Change a resource in place, or finish one that was left half made."""
        with self._answering(context, f"Update {request.urn}"):
            old = lifecycle.Deployed(
                request.id, from_struct(request.olds), from_struct(request.old_inputs)
            )
            news = from_struct(request.news)
            if request.preview:
                made = self._lifecycle.preview_update(request.type, old, news)
            else:
                made = self._lifecycle.update(request.type, request.name, old, news)
            return provider_pb2.UpdateResponse(properties=to_struct(made))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Remove a resource; one that is gone already is fine."""
        with self._answering(context, f"Delete {request.urn}"):
            old = lifecycle.Deployed(
                request.id, from_struct(request.properties), from_struct(request.old_inputs)
            )
            self._lifecycle.delete(request.type, request.name, old)
            return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 - protocol
        """Answer a data source."""
        with self._answering(context, f"Invoke {request.tok}"):
            answer = invokes.answer(request.tok, from_struct(request.args), self._lifecycle.config)
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(to_struct(answer))  # a keyword in Python
            return response


def _naming_request(request: Any) -> naming.Request:
    if not request.HasField("autonaming"):
        return naming.Request(request.name, bytes(request.randomSeed))
    options = request.autonaming
    return naming.Request(
        request.name, bytes(request.randomSeed), MODES[options.mode], options.proposed_name
    )


def _diff_response(found: list[diff.Change], *, delete_first: bool) -> Any:
    kinds, response = provider_pb2.PropertyDiff, provider_pb2.DiffResponse
    replaces = sorted({change.path for change in found if change.replaces})
    return response(
        changes=response.DIFF_SOME if found else response.DIFF_NONE,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and delete_first,
        diffs=sorted({_head(change.path) for change in found}),
        detailedDiff={
            change.path: kinds(kind=getattr(kinds, change.wire_kind), inputDiff=True)
            for change in found
        },
        hasDetailedDiff=True,
    )


def _head(path: str) -> str:
    return path.partition(".")[0].partition("[")[0]


def _half_made_status(error: lifecycle.HalfMadeError) -> Any:
    """A status whose details tell the engine to keep the resource and finish it next time."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.identity, properties=to_struct(error.outputs), reasons=[str(error)]
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    return _Status(str(error), status.SerializeToString())


class _Status(grpc.Status):
    """A gRPC status with details, which the library gives no constructor for."""

    def __init__(self, message: str, details: bytes) -> None:
        self.code = grpc.StatusCode.UNKNOWN
        self.details = message
        self.trailing_metadata = (("grpc-status-details-bin", details),)


def serve() -> None:
    """Run the plugin until it is told to stop."""
    serving.serve(AwsProvider(serving.log_to_file("aws")), workers=WORKERS)
