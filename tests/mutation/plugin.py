"""A pytest plugin that runs each mutant in a fork of one warm, collected session.

Starting an interpreter, importing the AWS SDK and recording the example programs takes longer than
all tests of a module together. Here that happens once: the tests run once under coverage, which
says which of them reach which line; then each mutant gets a fork in which only the code of its
module is exchanged, and runs the tests that reach its line, the quickest first, until one fails.
A line that already ran at import cannot be exchanged in place: that fork imports the package again.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import select
import signal
import sys
import time
from dataclasses import dataclass, field
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.runner import runtestprotocol

if TYPE_CHECKING:
    from pathlib import Path

    from coverage import Coverage

IMPORT = ""  # the coverage context before the first test
PATIENCE = 8.0  # seconds for a fork beyond thrice what its tests took before
KILLED, SURVIVED = 0, 1


@dataclass
class Mutant:
    """One change of one module, and what became of it."""

    module: str
    line: int
    operator: str
    source: str
    outcome: str = "not covered"
    tests: int = 0


@dataclass
class Fork:
    """A running child; `handle` becomes readable when it ends."""

    child: int
    handle: int
    mutant: Mutant
    deadline: float


@dataclass
class Mutation:
    """Replaces pytest's loop over the tests."""

    package: Path
    mutants: list[Mutant]
    coverage: Coverage
    processes: int
    reach: float  # seconds of tests per mutant; what is slower is left out, quickest first
    running: list[Fork] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    reached: dict[str, dict[int, set[str]]] = field(default_factory=dict)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure once, then fork for every mutant."""
        items = {item.nodeid: item for item in session.items}
        self._measure(list(items.values()))
        for done, mutant in enumerate(self.mutants):
            tests = self._tests(mutant)
            mutant.tests = len(tests)
            if tests:
                self._wait(self.processes - 1)
                self._fork(mutant, [items[test] for test in tests])
            if done % 50 == 0:
                sys.stderr.write(f"{done} of {len(self.mutants)}\n")
        self._wait(0)
        return True

    def _measure(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.coverage.switch_context(item.nodeid)
            started = time.monotonic()
            reports = runtestprotocol(item, nextitem=None, log=False)
            self.seconds[item.nodeid] = time.monotonic() - started
            if any(report.failed for report in reports):
                pytest.exit(f"{item.nodeid} fails without a mutant", 1)
        self.coverage.stop()
        data = self.coverage.get_data()
        for name in data.measured_files():
            contexts = data.contexts_by_lineno(name)
            self.reached[name] = {line: set(found) for line, found in contexts.items()}

    def _tests(self, mutant: Mutant) -> list[str]:
        """Tests that reach the mutant, quickest first; all of the module's when it is imported."""
        lines = self.reached.get(str(self.package / mutant.module), {})
        found = lines.get(mutant.line, set())
        if IMPORT in found or not found:
            found = set().union(*lines.values()) if lines else set()
        found = found - {IMPORT}
        chosen, spent = [], 0.0
        for test in sorted(found, key=lambda test: (self.seconds[test], test)):
            spent += self.seconds[test]
            if chosen and spent > self.reach:
                break
            chosen.append(test)
        return chosen

    def _fork(self, mutant: Mutant, items: list[pytest.Item]) -> None:
        budget = 3 * sum(self.seconds[item.nodeid] for item in items) + PATIENCE
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.setsid()  # with everything it starts it can be ended at once
            sink = os.open(os.devnull, os.O_WRONLY)
            os.dup2(sink, 1)
            os.dup2(sink, 2)
            outcome = KILLED
            try:
                outcome = SURVIVED if self._survives(mutant, items) else KILLED
            finally:  # whatever it raised, a child must not go on as the parent
                os._exit(outcome)
        handle = os.pidfd_open(child)
        self.running.append(Fork(child, handle, mutant, time.monotonic() + budget))

    def _survives(self, mutant: Mutant, items: list[pytest.Item]) -> bool:
        path = self.package / mutant.module
        lines = self.reached[str(path)].get(mutant.line, {IMPORT})
        if IMPORT in lines or not exchange(path, mutant.source):
            return self._survives_import(path, mutant.source, items)
        for item, following in zip(items, [*items[1:], None], strict=True):
            reports = runtestprotocol(item, nextitem=following, log=False)
            if any(report.failed for report in reports):
                return False
        return True

    def _survives_import(self, path: Path, source: str, items: list[pytest.Item]) -> bool:
        """In a session inside this one, with the package and its tests imported again."""
        tests = {item.module.__name__ for item in items if isinstance(item, pytest.Function)}
        for name in list(sys.modules):
            if name.partition(".")[0] == self.package.name or name in tests or "conftest" in name:
                del sys.modules[name]
        sys.meta_path.insert(0, Finder(_module_name(self.package, path), path, source))
        ids = [item.nodeid for item in items]
        quiet = ["-q", "-x", "--no-header", "--no-summary", "-p", "no:cacheprovider"]
        return pytest.main([*quiet, *ids]) == pytest.ExitCode.OK

    def _wait(self, at_most: int) -> None:
        """Until no more than `at_most` children are left."""
        while len(self.running) > at_most:
            left = min(fork.deadline for fork in self.running) - time.monotonic()
            handles = [fork.handle for fork in self.running]
            ended, _, _ = select.select(handles, [], [], max(left, 0))
            for fork in list(self.running):
                if fork.handle in ended:
                    self._reap(fork)
                elif time.monotonic() > fork.deadline:
                    os.killpg(fork.child, signal.SIGKILL)
                    self._reap(fork)
                    fork.mutant.outcome = "timeout"

    def _reap(self, fork: Fork) -> None:
        _, status = os.waitpid(fork.child, 0)
        os.close(fork.handle)
        self.running.remove(fork)
        survived = os.waitstatus_to_exitcode(status) == SURVIVED
        fork.mutant.outcome = "survived" if survived else "killed"


class Finder:
    """Loads one module from its mutated source."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self.name, self.path, self.source = name, path, source

    def find_spec(self, name: str, *_: Any) -> Any:
        """The specification of the mutated module; None leaves every other to its finder."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def create_module(self, _spec: Any) -> None:
        """An ordinary module."""

    def exec_module(self, module: Any) -> None:
        """Run the mutated source as the module."""
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)  # noqa: S102 - a mutant


def _module_name(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def exchange(path: Path, source: str) -> bool:
    """Give every live function of the module at `path` its mutated code; False if that cannot be.

    Decorated functions are registered elsewhere as objects, so the objects stay and their code
    changes.
    """
    old = _codes(compile(path.read_text(encoding="utf-8"), str(path), "exec"))
    new = _codes(compile(source, str(path), "exec"))
    changed = {key for key, code in old.items() if key in new and new[key] != code}
    live = [f for f in gc.get_objects() if isinstance(f, FunctionType)]
    mine = [f for f in live if f.__code__.co_filename == str(path) and _key(f.__code__) in changed]
    fits = all(f.__code__.co_freevars == new[_key(f.__code__)].co_freevars for f in mine)
    if not changed or not fits:
        return False
    for function in mine:
        function.__code__ = new[_key(function.__code__)]
    _forget()
    return True


def _key(code: CodeType) -> tuple[str, int]:
    """Identity of a function across two versions; code that has run no longer equals itself."""
    return code.co_qualname, code.co_firstlineno


def _codes(code: CodeType) -> dict[tuple[str, int], CodeType]:
    """Every code object inside a module's."""
    found = {}
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found |= {_key(inner): inner} | _codes(inner)
    return found


def _forget() -> None:
    """Empty the caches: they hold what the code before the exchange returned."""
    wrapper = type(functools.lru_cache(lambda: None))
    for cached in [c for c in gc.get_objects() if isinstance(c, wrapper)]:
        if cached.__module__.startswith("guardrails") and cached.__name__ != "registry":
            cached.cache_clear()
