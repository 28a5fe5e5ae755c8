"""The terms of a compiled CloudEvents SQL expression: each computes its value for an event.

A term raises EvaluationError where it has no value.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from events.broker.filters.cesql_tokens import unquoted
from events.broker.filters.cesql_values import (
    CASTS,
    EvaluationError,
    Function,
    Value,
    boolean,
    integer,
    like,
    quotient,
    remainder,
    string,
)
from events.cloudevents.event import Event

Term = Callable[[Event], Value]

_ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": quotient,
    "%": remainder,
}
_ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def literal(kind: str, token: str) -> Term:
    """Return the term of a literal. Raises ValueError if a token of that kind is none."""
    values: dict[str, Callable[[], Value]] = {
        "TRUE": lambda: True,
        "FALSE": lambda: False,
        "integer": lambda: int(token),
        "string": lambda: unquoted(token),
    }
    if kind not in values:
        raise ValueError(f"filter 'cesql': {token or 'its end'!r} is not expected")
    value = values[kind]()
    return lambda _: value


def attribute(name: str) -> Term:
    """Return the term of an attribute's value."""

    def value(event: Event) -> str:
        text = event.get(name)
        if text is None:
            raise EvaluationError(f"no attribute {name}")
        return text

    return value


def presence(name: str) -> Term:
    """Return the term that says whether an event has an attribute."""
    return lambda event: event.get(name) is not None


def negative(term: Term) -> Term:
    """Return the term with the opposite sign."""
    return lambda event: integer(-integer(term(event)))


def negation(term: Term) -> Term:
    """Return the term with the opposite truth."""
    return lambda event: not boolean(term(event))


def call(function: Function, arguments: list[Term]) -> Term:
    """Return the term of a function's value."""
    return lambda event: function(*(argument(event) for argument in arguments))


def likeness(term: Term, pattern: str, size: int) -> Term:
    """Return the term that compares with a pattern, in an expression of `size` characters."""
    matches = like(pattern, size)
    return lambda event: matches(string(term(event)))


def inclusion(one: Term, others: list[Term]) -> Term:
    """Return the term that says whether `one` equals any of `others`, each cast to the type of `one`.

    `one` is computed once, since it may be an IN itself.
    """

    def includes(event: Event) -> bool:
        wanted = one(event)
        cast = CASTS[type(wanted)]
        return any(cast(other(event)) == wanted for other in others)

    return includes


def binary(symbol: str, one: Term, other: Term) -> Term:
    """Return the term of an operator between two."""
    if symbol in _ARITHMETIC:
        compute = _ARITHMETIC[symbol]
        return lambda event: integer(compute(integer(one(event)), integer(other(event))))
    if symbol in _ORDERS:
        compare = _ORDERS[symbol]
        return lambda event: compare(integer(one(event)), integer(other(event)))
    if symbol in {"!=", "<>"}:
        return negation(_equality(one, other))
    return _equality(one, other) if symbol == "=" else _logic(symbol, one, other)


def _equality(one: Term, other: Term) -> Term:
    """Compare two; the first is cast to the type of the second."""

    def equal(event: Event) -> bool:
        value, wanted = one(event), other(event)
        return bool(CASTS[type(wanted)](value) == wanted)

    return equal


def _logic(symbol: str, one: Term, other: Term) -> Term:
    """Combine two; of AND and OR, the second is computed only if the first does not decide."""
    made: dict[str, Callable[[Event], Any]] = {
        "AND": lambda event: boolean(one(event)) and boolean(other(event)),
        "OR": lambda event: boolean(one(event)) or boolean(other(event)),
        "XOR": lambda event: boolean(one(event)) is not boolean(other(event)),
    }
    return made[symbol]
