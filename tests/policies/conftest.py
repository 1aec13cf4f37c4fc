"""The harness: programs are recorded as the engine sees them and judged by the SDK's servicer."""

import asyncio
import contextlib
import io
import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, proto, rpc
from pulumi.runtime.settings import reset_options
from pulumi.runtime.stack import run_pulumi_func
from pulumi_policy import EnforcementLevel

from guardrails.cli import main
from guardrails.control import Control
from guardrails.engine import Servicer, Session
from guardrails.graph import IDENTITIES
from guardrails.journal import Writer
from guardrails.pack import policies
from guardrails.registry import registry
from guardrails.verdicts import Record, Verdict, merged
from guardrails.waivers import Waivers
from guardrails.wire import SECRET, SIGNATURE_KEY

UNKNOWN = rpc.UNKNOWN
SECRET_SIGNATURE = {SIGNATURE_KEY: SECRET}
STACK_URN = "urn:pulumi:prod::program::pulumi:pulumi:Stack::program-prod"
TODAY = date(2026, 11, 24)


@dataclass
class Declared:
    """One resource as the engine would hand it to a pack."""

    type: str
    name: str
    props: dict[str, Any] = field(default_factory=dict)
    depends: dict[str, list[str]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    urn: str = ""
    outputs: dict[str, Any] | None = None
    provider: "Declared | None" = None

    def __post_init__(self) -> None:
        self.urn = self.urn or urn(self.type, self.name)

    def request(self) -> Any:
        return proto.AnalyzeRequest(
            type=self.type,
            urn=self.urn,
            name=self.name,
            properties=struct(self.props),
            options=proto.AnalyzerResourceOptions(**self.options),
            provider=self._provider(),
        )

    def _provider(self) -> Any:
        if self.provider is None:
            return None
        return proto.AnalyzerProviderResource(
            type=self.provider.type,
            urn=self.provider.urn,
            name=self.provider.name,
            properties=struct(self.provider.props),
        )

    def analyzed(self) -> Any:
        dependencies = {
            key: proto.AnalyzerPropertyDependencies(urns=urns) for key, urns in self.depends.items()
        }
        return proto.AnalyzerResource(
            type=self.type,
            urn=self.urn,
            name=self.name,
            properties=struct(self.props if self.outputs is None else self.outputs),
            options=proto.AnalyzerResourceOptions(**self.options),
            propertyDependencies=dependencies,
            provider=self._provider(),
        )


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:prod::program::{kind}::{name}"


def struct(values: dict[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(values, struct_pb2.Struct())


class _Unborn(mocks.Mocks):
    """As at the first preview of an empty stack: nothing has an id, an ARN or a name yet."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return "", {
            key: value
            for key, value in args.inputs.items()
            if key in ("name", "bucket") and isinstance(value, str)
        }

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"an example may not call {args.token}")


class _Born(mocks.Mocks):
    """As after a deployment: every identifier is known."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return _identifier(args.typ, args.name, "id"), identifiers(args.typ, args.name, args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"an example may not call {args.token}")


def identifiers(kind: str, name: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a resource that exists: its inputs, and every identifier."""
    return {key: _identifier(kind, name, key) for key in IDENTITIES} | inputs


def _identifier(kind: str, name: str, key: str) -> str:
    return f"{kind.rpartition(':')[2]}-{name}-{key}"


class _Recorder(mocks.MockMonitor):
    def __init__(self, answers: mocks.Mocks) -> None:
        super().__init__(answers)
        self.declared: list[Declared] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            self.declared.append(
                Declared(
                    type=request.type,
                    name=request.name,
                    urn=response.urn,
                    props=json_format.MessageToDict(request.object),
                    depends={
                        key: list(value.urns) for key, value in request.propertyDependencies.items()
                    },
                    provider=next(
                        (p for p in self.declared if request.provider.startswith(p.urn + "::")),
                        None,
                    ),
                    options={
                        "protect": request.protect,
                        "ignoreChanges": list(request.ignoreChanges),
                    },
                )
            )
        return response


def record_deployed(program: str) -> list[Declared]:
    """What a program declares when all of it exists already, and nothing says what depends."""
    return [
        replace(one, depends={}, outputs=identifiers(one.type, one.name, one.props))
        for one in record(program, _Born())
    ]


def record(program: str, answers: mocks.Mocks | None = None) -> list[Declared]:
    """Run a Pulumi program and return what it declares, on an empty stack unless told otherwise."""
    answers = answers or _Unborn()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    monitor = _Recorder(answers)
    try:
        mocks.set_mocks(answers, project="program", stack="prod", preview=True, monitor=monitor)

        def run() -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                prelude = "import json\nimport pulumi\nimport pulumi_aws as aws\n"
                exec(compile(prelude + program, "<example>", "exec"), {})  # noqa: S102 - our examples

        loop.run_until_complete(run_pulumi_func(lambda: _async(run)))
    finally:
        reset_options()
        asyncio.set_event_loop(None)
        loop.close()
    return monitor.declared


async def _async(run: Callable[[], None]) -> None:
    run()


class Bench:
    """One pack process in miniature: requests in, records and diagnostics out."""

    def __init__(
        self,
        controls: list[Control],
        *,
        waivers: Waivers | None = None,
        journal: Path | None = None,
        config: dict[str, Any] | None = None,
    ) -> None:
        self.session = Session(
            journal=Writer(journal, "guardrails-test"),
            waivers=waivers or Waivers(),
            today=lambda: TODAY,
        )
        self.servicer = Servicer(
            "guardrails-test",
            "0.0.1",
            policies(controls, None),
            EnforcementLevel.MANDATORY,
            session=self.session,
        )
        self.diagnostics: list[Any] = []
        self.not_applicable: list[Any] = []
        if config:
            request = proto.ConfigureAnalyzerRequest()
            for name, values in config.items():
                request.policyConfig[name].enforcementLevel = proto.MANDATORY
                request.policyConfig[name].properties.update(values)
            self.servicer.Configure(request, None)

    def run(self, resources: list[Declared], *, analyze: bool = True) -> list[Record]:
        if analyze:
            for resource in resources:
                response = self.servicer.Analyze(resource.request(), None)
                self.diagnostics += response.diagnostics
        stack = Declared("pulumi:pulumi:Stack", "program-prod", urn=STACK_URN)
        request = proto.AnalyzeStackRequest(
            resources=[resource.analyzed() for resource in [stack, *resources]]
        )
        response = self.servicer.AnalyzeStack(request, None)
        self.diagnostics += response.diagnostics
        self.not_applicable += response.not_applicable
        return self.session.records


def verdict(control: str, *declared: Declared) -> set[Verdict]:
    """What one control says of these resources, both of its halves together."""
    records = Bench([registry()[control]]).run(list(declared))
    return {record.verdict for record in merged(records)}


def command(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m guardrails ...` without the second a new interpreter takes to start."""
    out, err, words = io.StringIO(), io.StringIO(), [str(argument) for argument in arguments]
    place = contextlib.chdir(cwd) if cwd else contextlib.nullcontext()
    with place, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(words)
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return command


@pytest.fixture
def bench() -> type[Bench]:
    return Bench


@pytest.fixture
def controls() -> dict[str, Control]:
    return registry()


@pytest.fixture
def run_program() -> Callable[[str], list[Declared]]:
    return record


@pytest.fixture(scope="session")
def harness() -> Any:
    """The names above, for test modules: with importlib mode nothing can be imported from here."""
    return _Names


@pytest.fixture
def preview(recorded_preview: Path, tmp_path: Path) -> Path:
    """A copy of the preview's events, beside its journal, that a test may change."""
    copied = shutil.copytree(recorded_preview.parent, tmp_path / "run")
    return copied / recorded_preview.name


@pytest.fixture(scope="session")
def recorded_preview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A preview's events and journal, made by the servicer; one table fails, the topic passes."""
    journal = tmp_path_factory.mktemp("preview") / "verdicts.jsonl"
    bench = Bench(list(registry().values()), journal=journal)
    bench.session.journal.header(
        version="0.1.0", digest="sha256:d", policies=1, sdk={"pulumi": "3"}, python="3.11"
    )
    bench.run(
        [
            Declared("aws:dynamodb/table:Table", "ledger", {"hashKey": "pk"}),
            Declared("aws:sns/topic:Topic", "<b>news</b>", {"name": "news"}),
        ]
    )
    events = [{"timestamp": 1_795_516_282, "preludeEvent": {}}]
    events += [
        {
            "policyEvent": {
                "policyPackName": "guardrails-test",
                "policyName": d.policyName,
                "resourceUrn": d.urn,
                "message": d.message,
                "enforcementLevel": "mandatory" if d.enforcementLevel else "advisory",
            }
        }
        for d in bench.diagnostics
    ]
    events += [
        {"policyAnalyzeStackSummaryEvent": {}},
        {"diagnosticEvent": {"severity": "error", "message": "preview failed\n"}},
    ]
    path = journal.with_name("events.jsonl")
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    return path


class _Names:
    Bench = Bench
    Declared = Declared
    command = staticmethod(command)
    record = staticmethod(record)
    record_deployed = staticmethod(record_deployed)
    replace = staticmethod(replace)
    struct = staticmethod(struct)
    urn = staticmethod(urn)
    verdict = staticmethod(verdict)
    controls = registry()
    UNKNOWN = UNKNOWN
    SECRET = SECRET_SIGNATURE
    STACK_URN = STACK_URN
    TODAY = TODAY


@pytest.fixture(autouse=True)
def _no_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GUARDRAILS_JOURNAL", raising=False)
    monkeypatch.delenv("GUARDRAILS_WAIVERS", raising=False)
