"""Values of CloudEvents SQL: their casts, arithmetic, patterns and functions.

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
_LONGEST = 64 << 10  # characters of a joined text; an event's attributes have fewer
_MAX_STEPS = 4 << 20  # characters compared for one event, some milliseconds
_BOOLEANS = {"true": True, "false": False}


class EvaluationError(Exception):
    """An expression has no value for an event."""


def integer(value: Value) -> int:
    """Cast to Integer, of 32 bits. Raises EvaluationError."""
    if isinstance(value, str) and not _INTEGER.fullmatch(value):
        raise EvaluationError(f"not an integer: {value!r}")
    number = int(value)
    if number not in _INTEGERS:
        raise EvaluationError(f"more than 32 bits: {number}")
    return number


def boolean(value: Value) -> bool:
    """Cast to Boolean. Raises EvaluationError."""
    if not isinstance(value, str):
        return bool(value)
    if value.lower() not in _BOOLEANS:
        raise EvaluationError(f"not a boolean: {value!r}")
    return _BOOLEANS[value.lower()]


def string(value: Value) -> str:
    """Cast to String."""
    return str(value).lower() if isinstance(value, bool) else str(value)


CASTS: Mapping[type, Cast] = {int: integer, bool: boolean, str: string}


def quotient(one: int, other: int) -> int:
    """Divide, rounding towards zero. Raises EvaluationError."""
    if other == 0:
        raise EvaluationError("division by zero")
    size = abs(one) // abs(other)
    return size if (one < 0) == (other < 0) else -size


def remainder(one: int, other: int) -> int:
    """Return the remainder of `quotient`. Raises EvaluationError."""
    return one - other * quotient(one, other)


def like(pattern: str, size: int) -> Callable[[str], bool]:
    """Compile a pattern: `%` matches any text, `_` any character, a backslash takes their meaning away.

    The returned test raises EvaluationError for a text that is too long for an expression of `size` characters, since
    the process does nothing else while patterns are compared.
    """
    compiled = _compiled(pattern)

    def matches(text: str) -> bool:
        if len(text) * size > _MAX_STEPS:
            raise EvaluationError(f"{len(text)} characters are too many for a pattern in an expression of {size}")
        return compiled.fullmatch(text) is not None

    return matches


def _compiled(text: str) -> re.Pattern[str]:
    """Return the regular expression; atomic groups prevent backtracking."""
    first, *parts = [_piece(part) for part in re.split(r"(?<!\\)%", text)]
    middle = "".join(f"(?>.*?{part})" for part in parts[:-1])
    return re.compile(first + middle + (".*" + parts[-1] if parts else ""), re.DOTALL)


def _piece(text: str) -> str:
    parts = re.findall(r"\\[%_]|.", text, re.DOTALL)
    return "".join("." if part == "_" else re.escape(part[-1]) for part in parts)


@dataclass(frozen=True, slots=True)
class Function:
    """A function: the `casts` of its arguments, at least `least` of them; `rest` casts any number more."""

    call: Callable[..., Value]
    casts: tuple[Cast, ...] = (string,)
    least: int = 1
    rest: Cast | None = None

    def takes(self, count: int) -> bool:
        """Tell whether it takes that number of arguments."""
        return self.least <= count and (self.rest is not None or count <= len(self.casts))

    def __call__(self, *arguments: Value) -> Value:
        """Return its value. Raises EvaluationError."""
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
    """Join texts; the only function whose result may be much longer than an event's attributes."""
    if sum(map(len, texts)) + len(between) * len(texts) > _LONGEST:
        raise EvaluationError(f"text is longer than {_LONGEST} characters")
    return between.join(texts)


def _left(text: str, length: int) -> str:
    if length < 0:
        raise EvaluationError("length is negative")
    return text[:length]


def _right(text: str, length: int) -> str:
    return text[len(text) - length :] if len(_left(text, length)) == length else text


def _substring(text: str, start: int, length: int | None = None) -> str:
    """Return the text from character `start`, where 1 is the first and -1 the last; 0 returns an empty text."""
    if abs(start) > len(text):
        raise EvaluationError(f"position is outside of the text: {start}")
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
