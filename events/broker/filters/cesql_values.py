"""Values of CloudEvents SQL and what is done with them: casts, arithmetic, patterns, functions.

Rules: cloudevents/spec cesql/spec.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = str | int | bool
Cast = Callable[[Value], Any]

_INTEGERS = range(-(2**31), 2**31)
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_LONGEST = 64 << 10  # characters that a text is joined to; an event's attributes have fewer
_MOST_STEPS = 4 << 20  # some milliseconds
_BOOLEANS = {"true": True, "false": False}


class EvaluationError(Exception):
    """An expression that has no value for an event."""


def integer(value: Value) -> int:
    """The cast to Integer, of 32 bits. Raises EvaluationError."""
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise EvaluationError(f"no integer: {value!r}")
    number = int(value)
    if number not in _INTEGERS:
        raise EvaluationError(f"beyond 32 bits: {number}")
    return number


def boolean(value: Value) -> bool:
    """The cast to Boolean. Raises EvaluationError."""
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in _BOOLEANS:
        raise EvaluationError(f"no boolean: {value!r}")
    return _BOOLEANS[value.lower()]


def string(value: Value) -> str:
    """The cast to String."""
    return str(value).lower() if isinstance(value, bool) else str(value)


CASTS: Mapping[type, Cast] = {int: integer, bool: boolean, str: string}


def quotient(one: int, other: int) -> int:
    """Division towards zero. Raises EvaluationError."""
    if other == 0:
        raise EvaluationError("division by zero")
    size = abs(one) // abs(other)
    return size if (one < 0) == (other < 0) else -size


def remainder(one: int, other: int) -> int:
    """What `quotient` leaves over. Raises EvaluationError."""
    return one - other * quotient(one, other)


def like(pattern: str, size: int) -> Callable[[str], bool]:
    """Whether a text is as a pattern says: `%` is any text, `_` any character, a backslash makes them plain.

    It raises EvaluationError for a text that is too long for an expression of that `size`: nothing else runs while
    all its patterns are compared.
    """
    compiled = _compiled(pattern)

    def matches(text: str) -> bool:
        if len(text) * size > _MOST_STEPS:
            raise EvaluationError(f"{len(text)} characters are too many to compare in an expression of {size}")
        return compiled.fullmatch(text) is not None

    return matches


def _compiled(text: str) -> re.Pattern[str]:
    """Atomic groups keep hostile patterns from trying every way to match."""
    first, *parts = [_piece(part) for part in re.split(r"(?<!\\)%", text)]
    middle = "".join(f"(?>.*?{part})" for part in parts[:-1])
    return re.compile(first + middle + (".*" + parts[-1] if parts else ""), re.DOTALL)


def _piece(text: str) -> str:
    parts = re.findall(r"\\[%_]|.", text, re.DOTALL)
    return "".join("." if part == "_" else re.escape(part[-1]) for part in parts)


@dataclass(frozen=True, slots=True)
class Function:
    """`casts` of its arguments, of which `least` are there; `rest` casts any number more."""

    call: Callable[..., Value]
    casts: tuple[Cast, ...] = (string,)
    least: int = 1
    rest: Cast | None = None

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments."""
        return self.least <= count and (self.rest is not None or count <= len(self.casts))

    def __call__(self, *arguments: Value) -> Value:
        """Its value. Raises EvaluationError."""
        casts = [*self.casts, *[self.rest or string] * len(arguments)]
        return self.call(*(cast(one) for cast, one in zip(casts, arguments, strict=False)))


def _as_is(value: Value) -> Value:
    return value


def _can(cast: Cast) -> Callable[[Value], bool]:
    def can(value: Value) -> bool:
        try:
            cast(value)
        except EvaluationError:
            return False
        return True

    return can


def _joined(between: str, *texts: str) -> str:
    """The one way to a text longer than an event's: in upper case it is three times as long at most."""
    if sum(map(len, texts)) + len(between) * len(texts) > _LONGEST:
        raise EvaluationError(f"a text of more than {_LONGEST} characters")
    return between.join(texts)


def _left(text: str, length: int) -> str:
    if length < 0:
        raise EvaluationError("a length below zero")
    return text[:length]


def _right(text: str, length: int) -> str:
    return text[len(text) - length :] if len(_left(text, length)) == length else text


def _substring(text: str, start: int, length: int | None = None) -> str:
    """From character `start`, 1 being the first and -1 the last; 0 gives nothing."""
    if abs(start) > len(text):
        raise EvaluationError(f"no place in the text: {start}")
    if start == 0:
        return ""
    tail = text[start - 1 if start > 0 else start :]
    return tail if length is None else _left(tail, length)


FUNCTIONS: Mapping[str, Function] = {
    "INT": Function(integer, (_as_is,)),
    "BOOL": Function(boolean, (_as_is,)),
    "STRING": Function(string, (_as_is,)),
    "IS_INT": Function(_can(integer), (_as_is,)),
    "IS_BOOL": Function(_can(boolean), (_as_is,)),
    "ABS": Function(lambda number: integer(abs(number)), (integer,)),
    "LENGTH": Function(len),
    "LOWER": Function(str.lower),
    "UPPER": Function(str.upper),
    "TRIM": Function(str.strip),
    "CONCAT": Function(lambda *texts: _joined("", *texts), (), least=0, rest=string),
    "CONCAT_WS": Function(_joined, rest=string),
    "LEFT": Function(_left, (string, integer), least=2),
    "RIGHT": Function(_right, (string, integer), least=2),
    "SUBSTRING": Function(_substring, (string, integer, integer), least=2),
}
