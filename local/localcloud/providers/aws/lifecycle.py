"""What happens to one resource: preview, create, read, update, delete."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from localcloud.providers.aws import drift, outputs, recorded
from localcloud.providers.aws.config import ProviderConfig
from localcloud.providers.errors import ProviderError

Properties = Mapping[str, Any]


class HalfMadeError(Exception):
    """The resource exists but is not complete; the engine keeps it and finishes it next time."""

    def __init__(self, identity: str, made: Properties, cause: Exception) -> None:
        super().__init__(f"{identity} was created but is not complete: {cause}")
        self.identity = identity
        self.outputs = made


@dataclass(frozen=True)
class Deployed:
    """A resource as the stack's state knows it: identifier, outputs, and inputs after Check."""

    id: str
    outputs: Properties
    inputs: Properties


class Lifecycle:
    """Resources under one provider configuration.

    Types in `kinds.created_types()` live in the embedded AWS; all others live in the stack's state
    alone, with outputs in AWS's formats. boto3 is loaded with the first call that needs it, so
    previews start quickly.
    """

    def __init__(self, config: ProviderConfig) -> None:
        self.config = config
        self._clients: Any = None

    def preview_create(self, token: str, inputs: Properties) -> dict[str, Any]:
        """Outputs of a resource that does not exist yet."""
        return outputs.previewed(token, inputs)

    def preview_update(self, token: str, old: Deployed, news: Properties) -> dict[str, Any]:
        """Outputs of a resource after the update that is planned."""
        return outputs.updated(token, old.outputs, old.inputs, news)

    def create(self, token: str, name: str, inputs: Properties) -> tuple[str, dict[str, Any]]:
        """Make a resource: its identifier and outputs.

        Raises `ProviderError` when it could not be made, `HalfMadeError` when it was made but not
        completed.
        """
        self.config.endpoint_of("*")
        kind = self._kind(token)
        if kind is None:
            return recorded.made(token, name, inputs, self.config)
        with _explained():
            operation = self._operation(token, name, inputs)
            identity = kind.create(operation)
        made = partial(self._made, kind, operation.known_as(identity))
        return identity, self._finished(kind, operation.known_as(identity), made)

    def update(self, token: str, name: str, old: Deployed, news: Properties) -> dict[str, Any]:
        """Bring a resource to its new inputs; equal inputs finish a half-made one."""
        self.config.endpoint_of("*")
        kind = self._kind(token)
        if kind is None:
            values = outputs.updated(token, old.outputs, old.inputs, news)
            return recorded.completed(token, name, old.id, values, self.config)
        operation = self._operation(token, name, news, old)
        return self._finished(kind, operation, partial(self._made, kind, operation))

    def read(
        self, token: str, name: str, old: Deployed
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Live outputs and the inputs they amount to, or None when the resource is gone."""
        kind = self._kind(token)
        if kind is None:
            if not old.outputs:
                raise ProviderError(
                    f"{token} {old.id} cannot be looked up: the stand-in provider only records "
                    "this type, in the state of the stack that made it"
                )
            return dict(old.outputs), dict(old.inputs)
        with _explained():
            live = _kinds().kind.read(kind, self._operation(token, name, old.inputs, old))
        if live is None:
            return None
        return drift.observed(
            token,
            olds=old.outputs,
            inputs=old.inputs,
            live=live,
            config=self.config,
            identity=old.id,
        )

    def delete(self, token: str, name: str, old: Deployed) -> None:
        """Remove a resource; one that is gone already is fine."""
        kind = self._kind(token)
        if kind is not None:
            with _explained():
                operation = self._operation(token, name, old.inputs or old.outputs, old)
                _kinds().kind.delete(kind, operation)

    def _finished(
        self, kind: Any, operation: Any, made: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Apply the rest of the inputs and return the outputs, or report the resource half made."""
        try:
            with _explained():
                kind.apply(operation)
                return made()
        except ProviderError as error:
            raise HalfMadeError(operation.id, dict(operation.inputs), error) from error

    def _made(self, kind: Any, operation: Any) -> dict[str, Any]:
        live = kind.read(operation)
        values = drift.merged(operation.inputs, live)
        return recorded.completed(
            operation.token, operation.name, operation.id, values, self.config
        )

    def _operation(
        self, token: str, name: str, inputs: Properties, old: Deployed | None = None
    ) -> Any:
        region = str(inputs.get("region") or self.config.region)
        return _kinds().kind.Operation(
            token=token,
            name=name,
            inputs=outputs.given(token, inputs),
            config=self.config,
            client=lambda service: self._client(service, region),
            id=old.id if old else "",
            olds=old.outputs if old else {},
        )

    def _client(self, service: str, region: str) -> Any:
        if self._clients is None:
            from localcloud.providers.aws.clients import Clients  # noqa: PLC0415 - boto3 is slow

            self._clients = Clients(self.config)
        return self._clients.of(service, region)

    @staticmethod
    def _kind(token: str) -> Any:
        return _kinds().created().get(token)


def _kinds() -> Any:
    """The table of created types, loaded late because it brings boto3."""
    from localcloud.providers.aws import kinds  # noqa: PLC0415 - boto3 is slow to load

    return kinds


@contextmanager
def _explained() -> Iterator[None]:
    """Turn boto3's failures into one sentence."""
    from botocore import exceptions  # noqa: PLC0415 - boto3 is slow to load

    try:
        yield
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise ProviderError(
            f"the embedded AWS does not answer ({error}): is it running? "
            "`python -m localcloud status` shows it, `python -m localcloud up` starts it"
        ) from error
    except (exceptions.BotoCoreError, exceptions.ClientError) as error:
        raise ProviderError(str(error)) from error
