"""Give up each listed line of `platform/infra` and see whether a control or a test fails.

    python tests/mutation/lines.py [--controls] [NUMBER...]     (make mutate)

With `--controls` only the controls are asked.

Interpreter, SDK and providers are warm in one process; each mutant is a fork of it in which one
module is loaded from its mutated source. There the program is planned without an engine
(tests/support/in_process.py), judged by every control, and asked by the tests of tests/platform
until one fails. The result is written to docs/MUTATION_OF_THE_PLATFORM.md.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import tempfile
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "mutation")]

import hypothesis  # noqa: E402, F401 - warm before the forks
import pytest  # noqa: E402
from in_process import InProcess, plan_in_process  # noqa: E402
from platform_lines import SecurityLine, security_lines  # noqa: E402
from plugin import Finder  # noqa: E402

from guardrails.judge import judge  # noqa: E402
from guardrails.registry import registry  # noqa: E402
from guardrails.sources import load  # noqa: E402

PAGE = ROOT / "docs" / "MUTATION_OF_THE_PLATFORM.md"
# What starts processes of its own, or is about other programs.
LEFT_OUT = (
    "test_independent_scan.py",
    "test_in_process.py",
    "test_preview_is_clean.py",
    "test_security_lines.py",
    "test_settings_reference.py",
)
# Warm modules cannot have their assertions rewritten; that is no finding.
RELAXED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
OWN_PROCESS = "edited_project"
OTHER_STACKS = ("local", "staging")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Controls that fail now and did not, and the first test that fails."""

    controls: tuple[str, ...] = ()
    test: str = ""
    refused: str = ""  # what the program or a provider says instead of a plan

    @property
    def survived(self) -> bool:
        """Whether nobody noticed."""
        return not (self.controls or self.test or self.refused)


class Planner:
    """Takes the engine's place in tests/platform/conftest.py, and remembers plans."""

    def __init__(self) -> None:
        self.plans: dict[str, InProcess] = {}
        self.failed = ""

    def plan(self, name: str, config: dict[str, str]) -> InProcess:
        """The plan of a stack under its settings, made once."""
        key = json.dumps([name, config], sort_keys=True)
        if key not in self.plans:
            self.plans[key] = plan_in_process(name, config)
        return self.plans[key]

    def pytest_plugin_registered(self, plugin: Any) -> None:
        """Exchange what asks the engine."""
        if str(getattr(plugin, "__file__", "")).endswith("tests/platform/conftest.py"):
            plugin.make_project = lambda _directory, _stack, config: plugin.engine_view(config)
            plugin.preview = lambda config, stack: self._preview(plugin, stack, config)

    def _preview(self, conftest: Any, stack: str, config: dict[str, str]) -> Any:
        made = self.plan(stack, config)
        return conftest.Preview(
            resources=tuple(
                conftest._planned(state)  # noqa: SLF001 - the same reading as of the engine's plan
                for state in made.states
                if state["type"] != conftest.STACK
            ),
            outputs=made.outputs,
            text=json.dumps(made.states),
        )

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Production first; the other stacks cost a plan each."""
        kept = [item for item in items if OWN_PROCESS not in getattr(item, "fixturenames", ())]
        kept.sort(key=lambda item: any(f"[{stack}" in item.name for stack in OTHER_STACKS))
        items[:] = kept

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first that failed."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


def production_config() -> dict[str, str]:
    """As tests/platform plans it."""
    spec = importlib.util.spec_from_file_location("stacks", TESTS / "platform" / "conftest.py")
    if spec is None or spec.loader is None:
        raise LookupError("tests/platform/conftest.py")
    stacks = importlib.util.module_from_spec(spec)
    sys.modules["stacks"] = stacks
    spec.loader.exec_module(stacks)
    config = stacks.with_values(stacks.stack_config("production"), stacks.RELEASED)
    view: dict[str, str] = stacks.engine_view(config)
    return view


def failing(plan: InProcess) -> set[tuple[str, str]]:
    """Control and resource of every FAIL."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps({"version": 3, "deployment": {"resources": list(plan.states)}}))
        file.flush()
        graph = load(Path(file.name)).graph
    found = judge(registry().values(), graph, {})
    return {(each.control, each.urn) for each in found if each.verdict == "FAIL"}


def examine(
    line: SecurityLine | None, known: set[tuple[str, str]], *, tests: bool
) -> dict[str, Any]:
    """In a fork: plan, judge, test. Without a line the program as it is."""
    if line is not None:
        sys.meta_path.insert(0, Finder(line.module, line.path, line.mutated()))
    planner = Planner()
    try:
        plan = planner.plan("production", production_config())
    except BaseException as error:  # noqa: BLE001 - whatever ends the program has noticed it
        return {"refused": f"{type(error).__name__}: {error}"[:200]}
    verdicts = failing(plan)
    answer = {
        "verdicts": sorted(verdicts - known),
        "controls": sorted({control for control, _ in verdicts - known}),
        "test": "",
    }
    if not tests or (line is not None and answer["controls"]):
        return answer  # noticed; the tests take longer than all controls
    quiet = ["-q", "-x", "--no-header", "--no-summary", "-p", "no:cacheprovider", *RELAXED]
    left_out = [f"--ignore={TESTS / 'platform' / name}" for name in LEFT_OUT]
    with redirect_stdout(io.StringIO()):
        pytest.main([*quiet, *left_out, str(TESTS / "platform")], plugins=[planner])
    return {**answer, "test": planner.failed.removeprefix("tests/platform/")}


def warm() -> None:
    """Fill the caches of SDK, providers and controls once; the program itself is loaded anew."""
    failing(plan_in_process("production", production_config()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "infra"]:
        del sys.modules[name]


def forked(
    line: SecurityLine | None, known: set[tuple[str, str]], *, tests: bool = True
) -> dict[str, Any]:
    """`examine` in a fork of this warm process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answer = {"refused": "the fork died"}
        try:
            answer = examine(line, known, tests=tests)
        except BaseException:  # noqa: BLE001 - the parent is told by the answer, a reader by this
            traceback.print_exc()
        finally:  # whatever it raised, a child must not go on as the parent
            os.write(writer, json.dumps(answer).encode()[:60_000])
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    answer_: dict[str, Any] = json.loads(text)
    return answer_


def outcome(answer: dict[str, Any]) -> Outcome:
    """What a fork answered."""
    return Outcome(
        controls=tuple(answer.get("controls", ())),
        test=answer.get("test", ""),
        refused=answer.get("refused", ""),
    )


def page(results: list[tuple[SecurityLine, Outcome]]) -> str:
    """The document: survivors first, then who noticed what."""
    survivors = [line for line, found in results if found.survived]
    head = (
        "# Mutation of the platform\n\n"
        "Written by `make mutate`: each listed line of `platform/infra` that security\n"
        "rests on is given up, the production stack is planned, judged by every control,\n"
        "and asked by the tests of `tests/platform` where no control fails. "
        f"{len(results)} lines run, {len(results) - len(survivors)} noticed, "
        f"{len(survivors)} survivors"
        ".\n\n## Survivors\n\n"
    )
    unnoticed = [
        f"- `{line.file}`: `{_flat(line.text)}` to `{_flat(line.instead)}` ({line.why})."
        f" {line.survives or 'Not explained yet.'}"
        for line in survivors
    ]
    table = [
        "| line | what is lost | controls that fail | first test that fails |",
        "|---|---|---|---|",
    ]
    table += [
        f"| `{line.file}`: `{_flat(line.text)}` | {line.why} | {', '.join(found.controls)} |"
        f" {_noticed(found)} |"
        for line, found in results
        if not found.survived
    ]
    return head + "\n".join(unnoticed or ["None."]) + "\n\n## Noticed\n\n" + "\n".join(table) + "\n"


def _noticed(found: Outcome) -> str:
    if found.refused:
        return f"the program does not run: {_flat(found.refused)}"
    return f"`{found.test}`" if found.test else ""


def _said(found: Outcome) -> str:
    if found.survived:
        return "not noticed"
    return " ".join((*found.controls, found.test, found.refused)).strip()


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|") or " "


def main() -> int:
    """Every line, or those with the numbers given; 1 when the program as it is does not pass."""
    lines = security_lines()
    tests = "--controls" not in sys.argv
    chosen = [int(each) for each in sys.argv[1:] if each.isdigit()]
    warm()
    base = forked(None, set(), tests=tests)
    if base.get("refused") or base["test"]:
        sys.stderr.write(f"without a mutation: {base}\n")
        return 1
    known = {(control, urn) for control, urn in base["verdicts"]}
    numbers = chosen or range(len(lines))
    results: dict[int, Outcome] = {}
    for tests_too in (False, True) if tests else (False,):  # the controls are the quicker judges
        for number in numbers:
            if tests_too and not results[number].survived:
                continue
            found = outcome(forked(lines[number], known, tests=tests_too))
            results[number] = found
            sys.stdout.write(f"{number:3} {lines[number].file}: {_said(found)}\n")
            sys.stdout.flush()
    if tests and not chosen:
        PAGE.write_text(page([(lines[each], results[each]) for each in results]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
