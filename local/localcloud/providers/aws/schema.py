"""What the installed `pulumi_aws` says about a resource type, read from its source text.

Importing the SDK costs seconds; its generated files have one shape, so `ast` reads the few classes
a type needs in milliseconds. Known from here: wire names, types, nesting, required, outputs and
whether they are optional, and the documentation texts. Not known from here: replace-on-change,
real defaults, identifiers (see `facts`).
"""

import ast
import importlib.util
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from localcloud.providers.errors import ProviderError

# CPython 3.11 counts the depth of a tree under construction once for all threads, and a switch
# between two of them can end one in a `SystemError` (python/cpython issue 106905).
PARSING = threading.Lock()
SCALARS = {"str": "string", "bool": "bool", "int": "number", "float": "number"}
REPLACES = re.compile(
    r"(forces?( a)? new resource|forces replacement|(creates?|creation of) a new resource"
    r"|force a new \w+ to be created)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Shape:
    """Type of a property: `kind` is string, bool, number, array, map, object or any.

    `item` is the element type of an array or map; `class_name` and `file` locate an object's class.
    `text` tells that an object may also be given as a JSON string.
    """

    kind: str
    item: "Shape | None" = None
    class_name: str = ""
    file: Path = field(default_factory=Path)
    text: bool = False

    def fields(self) -> "Mapping[str, Property]":
        """Properties of an object, by wire name."""
        return _arguments(self.file, self.class_name)


@dataclass(frozen=True)
class Property:
    """One input or output: wire name, type, whether it may be missing, and its documentation."""

    name: str
    shape: Shape
    optional: bool
    doc: str = ""

    @property
    def documented_to_replace(self) -> bool:
        """Whether the documentation says that a change makes a new resource."""
        return REPLACES.search(self.doc) is not None


@dataclass(frozen=True)
class ResourceSchema:
    """Inputs and outputs of one resource type, by wire name."""

    token: str
    inputs: Mapping[str, Property]
    outputs: Mapping[str, Property]


@cache
def sdk_root() -> Path:
    """Directory of the installed `pulumi_aws`."""
    spec = importlib.util.find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        raise ProviderError("pulumi_aws is not installed next to the stand-in provider")
    return Path(spec.origin).parent


@cache
def tokens() -> Mapping[str, tuple[str, str]]:
    """Package directory and class name of each resource type."""
    source = (sdk_root() / "__init__.py").read_text()
    listed = re.search(r'resource_modules="""(.*?)"""', source, re.DOTALL)
    if listed is None:
        raise ProviderError("pulumi_aws lists no resource types: its layout has changed")
    return {
        token: (module["fqn"].partition(".")[2], name)
        for module in json.loads(listed[1])
        for token, name in module["classes"].items()
    }


@cache
def resource(token: str) -> ResourceSchema:
    """The schema of a resource type; raises `ProviderError` for a type the SDK does not have."""
    if token not in tokens():
        raise ProviderError(f"{token} is not a resource type of the installed pulumi_aws")
    package, name = tokens()[token]
    file = _file_of(sdk_root() / package.replace(".", "/"), token, name)
    node = _class(file, name)
    return ResourceSchema(
        token, _arguments(file, _args_class(node)), {p.name: p for p in _getters(node, file)}
    )


@cache
def provider_inputs() -> Mapping[str, Property]:
    """Configuration keys of the provider itself, by wire name."""
    return _arguments(sdk_root() / "provider.py", "ProviderArgs")


def _file_of(directory: Path, token: str, name: str) -> Path:
    """The file that defines a type: by convention the class name in snake case, else by search."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    mark = f'@pulumi.type_token("{token}")'
    candidates = [directory / f"{snake}.py", *sorted(directory.glob("*.py"))]
    for file in candidates:
        if file.exists() and mark in file.read_text():
            return file
    raise ProviderError(f"the source of {token} was not found in pulumi_aws")


def _args_class(node: ast.ClassDef) -> str:
    """Class of the arguments: usually `<Name>Args`, `<Name>InitArgs` where that would clash."""
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and getattr(call.func, "attr", "") == "get_resource_args_opts"
        ):
            return ast.unparse(call.args[0])
    raise ProviderError(f"{node.name} in pulumi_aws names no class of arguments")


@cache
def _classes(file: Path) -> Mapping[str, str]:
    """Source text of each class in a file; only those needed are parsed."""
    pieces = re.split(r"^class (\w+)", file.read_text(), flags=re.MULTILINE)
    return {
        name: f"class {name}{re.split(r'^[@_a-zA-Z]', body, flags=re.MULTILINE)[0]}"
        for name, body in zip(pieces[1::2], pieces[2::2], strict=True)
    }


@cache
def _class(file: Path, name: str) -> ast.ClassDef:
    with PARSING:
        node = ast.parse(_classes(file)[name]).body[0]
    if not isinstance(node, ast.ClassDef):
        raise ProviderError(f"{name} in {file.name} of pulumi_aws is not a class")
    return node


@cache
def _arguments(file: Path, name: str) -> Mapping[str, Property]:
    """Properties of an `…Args` class; required are those its constructor gives no default."""
    node = _class(file, name)
    required = {
        argument.arg
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for argument, default in zip(
            function.args.kwonlyargs, function.args.kw_defaults, strict=True
        )
        if default is None
    }
    return {
        p.name: Property(p.name, p.shape, python not in required, p.doc)
        for python, p in _named_getters(node, file)
    }


def _getters(node: ast.ClassDef, file: Path) -> Iterator[Property]:
    return (found for _, found in _named_getters(node, file))


def _named_getters(node: ast.ClassDef, file: Path) -> Iterator[tuple[str, Property]]:
    """Each `@pulumi.getter` of a class with its Python name."""
    for function in node.body:
        if not isinstance(function, ast.FunctionDef) or function.returns is None:
            continue
        wire = _wire_name(function)
        if wire is not None:
            shape, optional = _shape(function.returns, file)
            doc = ast.get_docstring(function) or ""
            yield function.name, Property(wire, shape, optional, doc)


def _wire_name(function: ast.FunctionDef) -> str | None:
    for decorator in function.decorator_list:
        text = ast.unparse(decorator)
        if text == "pulumi.getter":
            return function.name
        if isinstance(decorator, ast.Call) and text.startswith("pulumi.getter("):
            return str(ast.literal_eval(decorator.keywords[0].value))
    return None


def _shape(node: ast.expr, file: Path) -> tuple[Shape, bool]:
    """The type an annotation describes, and whether it is optional."""
    match node:
        case ast.Constant():
            return _named_shape(str(node.value), file), False
        case ast.Attribute():
            return Shape(SCALARS.get(node.attr, "any")), False
        case ast.Subscript():
            head = ast.unparse(node.value).rpartition(".")[2]
            if head in ("Input", "Output"):
                return _shape(node.slice, file)
            if head == "Optional":
                return _shape(node.slice, file)[0], True
            return _generic_shape(head, node.slice, file), False
        case _:
            return Shape("any"), False


def _generic_shape(head: str, inner: ast.expr, file: Path) -> Shape:
    """The type of `Sequence[...]`, `Mapping[..., ...]` or `Union[...]`."""
    match head, inner:
        case (("Sequence" | "List"), _):
            return Shape("array", item=_shape(inner, file)[0])
        case "Mapping", ast.Tuple():
            return Shape("map", item=_shape(inner.elts[1], file)[0])
        case "Union", ast.Tuple():
            return _union([_shape(option, file)[0] for option in inner.elts])
        case _:
            return Shape("any")


def _union(options: list[Shape]) -> Shape:
    """One type for alternatives: text or an object (a document), an enumeration, or anything."""
    kinds = {option.kind for option in options}
    if kinds == {"string"}:
        return options[0]
    if kinds == {"string", "object"}:
        document = next(option for option in options if option.kind == "object")
        return Shape("object", class_name=document.class_name, file=document.file, text=True)
    return Shape("any")


def _named_shape(name: str, file: Path) -> Shape:
    """Type behind a quoted name: an object class of the package, or an enumeration."""
    module, _, class_name = name.rpartition(".")
    package = _package(module, file)
    for source in (package / "_inputs.py", package / "outputs.py"):
        if source.exists() and class_name in _classes(source):
            return Shape("object", class_name=class_name, file=source)
    return Shape("string")


def _package(module: str, file: Path) -> Path:
    """Directory of the classes a quoted name refers to; `_lb.` and the like are siblings."""
    name = module.removeprefix("pulumi_aws.").removesuffix("outputs").strip("._")
    if not name:
        return file.parent
    root = sdk_root()
    return next((p for p in (root / name, root / f"{name}_") if p.is_dir()), file.parent)
