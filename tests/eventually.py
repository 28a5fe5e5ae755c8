"""Waiting for what happens soon, but not at once."""

import ast
import inspect
import linecache
import reprlib
import time
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

PATIENCE_SECONDS = 120  # far beyond what it takes, so that only what never happens fails

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 2000
_SHORT.maxlist = _SHORT.maxdict = _SHORT.maxset = _SHORT.maxtuple = 50


def eventually(condition: Callable[[], object], patience: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it does not within the patience; the message has the values that it compares, as last seen.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience:g} s: {_description(condition)}")
        time.sleep(0.05)


def _description(condition: Callable[[], object]) -> str:
    """Return a lambda's source and what its parts are now, or the name of any other function."""
    if not isinstance(condition, FunctionType) or condition.__name__ != "<lambda>":
        return getattr(condition, "__qualname__", repr(condition))
    source, names = _source(condition.__code__), _names(condition)
    try:
        expression = ast.parse(f"({source})", mode="eval").body
    except SyntaxError:  # the file has changed since
        return source
    parts = dict.fromkeys(ast.unparse(part) for part in _parts(expression, names))
    return "\n  ".join([source, *(f"{part} is {_value(part, names)}" for part in parts)])


def _source(code: CodeType) -> str:
    """Return the text of a lambda's body: from its first to its last instruction that has a place in the file."""
    starts, ends = set(), set()
    for line, last_line, column, end in code.co_positions():
        if line and last_line and column != end and column is not None and end is not None:
            starts.add((line, column))
            ends.add((last_line, end))
    (line, column), (last_line, end) = min(starts), max(ends)
    lines = [linecache.getline(code.co_filename, number).encode() for number in range(line, last_line + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][column:]
    return " ".join(text.decode().partition("  # ")[0].strip() for text in lines)


def _names(condition: Callable[[], object]) -> dict[str, Any]:
    found = inspect.getclosurevars(condition)
    defaults = {name: p.default for name, p in inspect.signature(condition).parameters.items()}
    return {**found.builtins, **found.globals, **found.nonlocals, **defaults}


def _parts(node: ast.expr, names: dict[str, Any]) -> Iterator[ast.expr]:
    """Yield the operands of comparisons, and the variables of what is not a comparison."""
    match node:
        case ast.Compare(left=left, comparators=others):
            operands = [left, *others]
        case ast.BoolOp(values=operands):
            pass
        case ast.UnaryOp(operand=operand):
            operands = [operand]
        case ast.Constant():
            operands = []
        case _:
            yield node
            yield from (part for part in ast.walk(node) if isinstance(part, ast.Name) and _is_telling(part.id, names))
            return
    for operand in operands:
        yield from _parts(operand, names)


def _is_telling(name: str, names: dict[str, Any]) -> bool:
    value = names.get(name)
    return name in names and not (callable(value) or inspect.ismodule(value) or " object at 0x" in repr(value))


def _value(part: str, names: dict[str, Any]) -> str:
    try:
        return _SHORT.repr(eval(part, names))  # noqa: S307 - a part of a test's own source
    except Exception as error:  # noqa: BLE001 - why it cannot be seen is what there is to say
        return f"not to be seen: {error!r}"
