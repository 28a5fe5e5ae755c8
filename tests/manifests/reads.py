"""Which variables of the environment a function or a process reads: those that its code reaches, name by name."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from local.manifests import ROOT

Symbol = tuple[str, str]  # a module and a name in it


@dataclass
class Module:
    """What a module defines at its top level, and what its names stand for that it imports."""

    definitions: dict[str, ast.AST] = field(default_factory=dict)
    imports: dict[str, Symbol] = field(default_factory=dict)


@functools.cache
def variables(module: str, name: str) -> frozenset[str]:
    """The variables that the function `name` of `module` reads, itself or in what it calls."""
    return frozenset(variable for node in _reached(module, name) for variable in _read_by(node))


@functools.cache
def needed_by_process(module: str) -> frozenset[str]:
    """The variables that a process does not start without.

    They are those that its module itself reads, and those that what it calls reads without asking whether they are set.
    """
    main = _main_module(module)
    path = _path(main)
    assert path, f"{main} does not exist"
    reached = _reached_by_process(main)
    read = {variable for node in reached for variable in _read_by(node, optional=False)}
    asked_for = {variable for node in reached for variable in _asked_for(node)}
    return frozenset(read - asked_for) | frozenset(_read_by(ast.parse(path.read_text()), optional=False))


@functools.cache
def words_of_process(module: str) -> frozenset[str]:
    """Every string in what a process runs of ours: it knows no variable that is not among them."""
    nodes = (found for node in _reached_by_process(_main_module(module)) for found in ast.walk(node))
    strings = (found.value for found in nodes if isinstance(found, ast.Constant) and isinstance(found.value, str))
    return frozenset(strings)


def _main_module(module: str) -> str:
    """Return what `python -m` runs: the module itself, or the `__main__` of a package."""
    return module if _path(module) else f"{module}.__main__"


def _reached_by_process(main: str) -> list[ast.AST]:
    return [node for name in ("_main", "main") for node in _reached(main, name)]


def _reached(module: str, name: str) -> Iterator[ast.AST]:
    """The definition of a name, and those of all that it mentions."""
    seen: set[Symbol] = set()
    waiting = [(module, name)]
    while waiting:
        symbol = waiting.pop()
        if symbol not in seen:
            seen.add(symbol)
            for node in _definition(symbol):
                yield node
                waiting += _mentioned(symbol[0], node)


def _definition(symbol: Symbol) -> list[ast.AST]:
    module, name = symbol
    definition = _module(module).definitions.get(name)
    return [] if definition is None else [definition]


def _mentioned(module: str, node: ast.AST) -> Iterator[Symbol]:
    """What a definition mentions: names of its module, imported ones, and those of imported modules."""
    known = _module(module)
    for found in ast.walk(node):
        if isinstance(found, ast.Name):
            yield known.imports.get(found.id, (module, found.id))
        elif isinstance(found, ast.Attribute) and isinstance(found.value, ast.Name):
            package, name = known.imports.get(found.value.id, ("", ""))
            yield f"{package}.{name}", found.attr


def _read_by(node: ast.AST, *, optional: bool = True) -> Iterator[str]:
    """`os.environ["X"]`, and `os.environ.get("X")` among the `optional`; a local name for it may be `environment`."""
    for found in ast.walk(node):
        match found:
            case ast.Subscript(value=source, slice=ast.Constant(value=str(name))) if _is_environment(source):
                yield name
            case ast.Call(func=ast.Attribute(value=source, attr="get"), args=[ast.Constant(value=str(name)), *_]) if (
                optional and _is_environment(source)
            ):
                yield name


def _asked_for(node: ast.AST) -> Iterator[str]:
    """`"X" in os.environ`, or that it is not."""
    for found in ast.walk(node):
        match found:
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[source]) if _is_environment(source):
                yield name


def _is_environment(node: ast.AST) -> bool:
    return ast.unparse(node) in {"os.environ", "environment"}


@functools.cache
def _module(name: str) -> Module:
    module = Module()
    if (path := _path(name)) is None:
        return module
    tree = ast.parse(path.read_text())
    for node in tree.body:
        for defined in _defined_by(node):
            module.definitions[defined] = node
    for imported in ast.walk(tree):
        if isinstance(imported, ast.ImportFrom):
            for alias in imported.names:
                module.imports[alias.asname or alias.name] = (str(imported.module), alias.name)
    return module


def _defined_by(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name


def _path(module: str) -> Path | None:
    path = ROOT / (module.replace(".", "/") + ".py")
    return path if path.is_file() else None
