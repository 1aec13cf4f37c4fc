"""The mutants of a package as cosmic-ray's operators make them, one JSON object a line.

Runs in an environment of its own (requirements/mutation.txt), so that the project's stays small:
`python mutants.py PACKAGE_DIRECTORY`. A mutant has `module` (path below the directory), `line`,
`operator` and `source` (the whole mutated module).
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

if TYPE_CHECKING:
    from collections.abc import Iterator

# One replacement per arithmetic operator and per comparison: the nearest one, which is the
# hardest to notice. The others that cosmic-ray knows repeat the same question.
BINARY = {
    "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_Mul", "Pow_Mul",
    "BitOr_BitAnd", "BitAnd_BitOr",
}  # fmt: skip
COMPARISON = {
    "Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is", "In_NotIn", "NotIn_In",
    "Lt_LtE", "Lt_GtE", "LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt",
}  # fmt: skip
UNARY = {"Delete_Not", "USub_UAdd"}
# These want a variable's name from a configuration.
CONFIGURED = {"core/VariableReplacer", "core/VariableInserter"}
# Without them the same value is only computed again.
CACHES = ("cache", "lru_cache", "cached_property")


def operators() -> dict[str, Any]:
    """Name to operator, for the operators in use."""
    return {name: get_operator(name)() for name in operator_names() if _used(name)}


def _used(name: str) -> bool:
    if name in CONFIGURED or "NoOp" in name:
        return False
    kind, _, change = name.rpartition("Operator_")
    if kind.endswith("ReplaceBinary"):
        return change in BINARY
    if kind.endswith("ReplaceComparison"):
        return change in COMPARISON
    return change in UNARY if kind.endswith("ReplaceUnary") else True


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Line, operator and mutated source of every mutant that may behave differently."""
    nodes = list(ast_nodes(get_ast(source)))
    original = _behaviour(source)
    seen = {original}
    for name, operator in operators().items():
        lines = [node.start_pos[0] for node in nodes for _ in operator.mutation_positions(node)]
        for occurrence, line in enumerate(lines):
            mutated = _mutated(source, operator, occurrence)
            behaviour = _behaviour(mutated) if mutated else original
            if mutated and behaviour not in seen:
                seen.add(behaviour)
                yield line, name.removeprefix("core/"), mutated


def _mutated(source: str, operator: Any, occurrence: int) -> str | None:
    try:
        return mutate_code(source, operator, occurrence)
    except AttributeError:  # the operator cannot handle `except module.Error`
        return None


def _behaviour(source: str) -> str:
    """The syntax tree without what does nothing at run time: annotations, caches, type imports."""
    try:
        return ast.dump(_Effective().visit(ast.parse(source)))
    except SyntaxError:
        return ""  # no program at all: nothing to judge


class _Effective(ast.NodeTransformer):
    """Takes out annotations (never evaluated here), cache decorators, TYPE_CHECKING blocks."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.annotation = ast.Constant(None)
        self.generic_visit(node)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.returns = None
        node.decorator_list = [d for d in node.decorator_list if not _caches(d)]
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.If:
        if "TYPE_CHECKING" in ast.dump(node.test):
            node.test, node.body = ast.Constant(None), [ast.Pass()]
        self.generic_visit(node)
        return node


def _caches(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[2] in CACHES


def main() -> None:
    """Print every mutant of the package."""
    package = Path(sys.argv[1])
    for path in sorted(package.rglob("*.py")):
        for line, operator, source in mutants(path.read_text(encoding="utf-8")):
            module = path.relative_to(package).as_posix()
            mutant = {"module": module, "line": line, "operator": operator, "source": source}
            sys.stdout.write(json.dumps(mutant) + "\n")


if __name__ == "__main__":
    main()
