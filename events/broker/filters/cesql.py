"""The filter dialect `cesql`: the CloudEvents SQL Expression Language 1.0, compiled once for each Trigger.

Rules: cloudevents/spec cesql/spec.md. An expression that has no value for an event, because an attribute is missing for
instance, does not let the event pass: so it is in knative/eventing (pkg/eventfilter, cesql_filter.go).
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from events.broker.filters.cesql_values import (
    CASTS,
    FUNCTIONS,
    EvaluationError,
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

_LARGEST = 250  # operands: closures within each other
_LONGEST = 4096  # characters
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:\\.|""|[^"\\])*"|'(?:\\.|''|[^'\\])*')|(?P<integer>[0-9]+(?![A-Za-z_]))"""
    r"""|(?P<word>[A-Za-z0-9_]+)|(?P<symbol>!=|<>|<=|>=|[-()=<>*/%+,])|(?P<end>\Z))""",
    re.DOTALL,
)
_KEYWORDS = frozenset({"AND", "OR", "XOR", "NOT", "LIKE", "EXISTS", "IN", "TRUE", "FALSE"})

_LOGIC, _COMPARISON, _ADDITIVE, _MULTIPLICATIVE, _MEMBERSHIP, _UNARY = range(1, 7)  # what binds more tightly is more
_ARITHMETIC: Mapping[str, tuple[int, Callable[[int, int], int]]] = {
    "+": (_ADDITIVE, operator.add),
    "-": (_ADDITIVE, operator.sub),
    "*": (_MULTIPLICATIVE, operator.mul),
    "/": (_MULTIPLICATIVE, quotient),
    "%": (_MULTIPLICATIVE, remainder),
}
_ORDERS: Mapping[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LEVELS: Mapping[str, int] = {
    **dict.fromkeys(("AND", "OR", "XOR"), _LOGIC),
    **dict.fromkeys(("=", "!=", "<>", *_ORDERS), _COMPARISON),
    **{symbol: level for symbol, (level, _) in _ARITHMETIC.items()},
    **dict.fromkeys(("NOT", "LIKE", "IN"), _MEMBERSHIP),
}


def predicate(text: str) -> Callable[[Event], bool]:
    """Whether an expression is true for an event. Raises ValueError if it is none."""
    if len(text) > _LONGEST:
        raise ValueError(f"filter 'cesql' is longer than {_LONGEST} characters")
    term = _Parser(text).parse()

    def matches(event: Event) -> bool:
        try:
            return boolean(term(event))
        except EvaluationError:
            return False

    return matches


class _Parser:
    """Precedence climbing. `_kind` and `_token` are what comes next; keywords and symbols are their own kind."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._size = 0
        self._kind = self._token = ""
        self._advance()

    def parse(self) -> Term:
        term = self._expression(0)
        self._take("end")
        return term

    def _advance(self) -> str:
        """What came next, which is now behind."""
        taken, found = self._token, _TOKEN.match(self._text, self._position)
        if found is None:
            raise ValueError(f"filter 'cesql': not understood from character {self._position + 1} on")
        self._position = found.end()
        self._kind = str(found.lastgroup)
        self._token = found[self._kind]
        keyword = self._token.upper()
        if self._kind == "symbol" or (self._kind == "word" and keyword in _KEYWORDS):
            self._kind = keyword
        return taken

    def _take(self, kind: str) -> str:
        if self._kind != kind:
            raise ValueError(f"filter 'cesql': {kind} is missing before character {self._position + 1}")
        return self._advance() if kind != "end" else ""

    def _passes(self, kind: str) -> bool:
        """Whether this comes next; if so, it is behind now."""
        if self._kind != kind:
            return False
        self._advance()
        return True

    def _expression(self, level: int) -> Term:
        """What binds at least as tightly as `level`. Logic groups from the right, all else from the left."""
        term = self._operand()
        while (found := _LEVELS.get(self._kind, 0)) >= max(level, _LOGIC):
            symbol = self._kind
            self._advance()
            if found == _MEMBERSHIP:
                term = self._membership(symbol, term)
            else:
                term = _binary(symbol, term, self._expression(found if found == _LOGIC else found + 1))
        return term

    def _operand(self) -> Term:
        self._size += 1
        if self._size > _LARGEST:
            raise ValueError(f"filter 'cesql' has more than {_LARGEST} operands")
        kind, token = self._kind, self._advance()
        if kind == "(":
            term = self._expression(0)
            self._take(")")
        elif kind == "NOT":
            term = _negation(self._expression(_UNARY))
        elif kind == "-":
            term = _negative(self._expression(_UNARY))
        elif kind == "EXISTS":
            term = _presence(self._take("word").lower())
        elif kind == "word":
            term = self._call(token.upper()) if self._passes("(") else _attribute(token.lower())
        else:
            term = _literal(kind, token)
        return term

    def _membership(self, symbol: str, term: Term) -> Term:
        if symbol == "NOT":
            return _negation(self._membership(self._advance().upper(), term))
        if symbol == "LIKE":
            matches = like(_unquoted(self._take("string")), len(self._text))
            return lambda event: matches(string(term(event)))
        if symbol == "IN":
            return _inclusion(term, self._list())
        raise ValueError("filter 'cesql': NOT is followed by LIKE or IN")

    def _call(self, name: str) -> Term:
        arguments = [] if self._passes(")") else self._rest()
        function = FUNCTIONS.get(name)
        if function is None or not function.takes(len(arguments)):
            raise ValueError(f"filter 'cesql': no function {name} of {len(arguments)} arguments")
        return lambda event: function(*(argument(event) for argument in arguments))

    def _list(self) -> list[Term]:
        self._take("(")
        return self._rest()

    def _rest(self) -> list[Term]:
        terms = [self._expression(0)]
        while self._passes(","):
            terms.append(self._expression(0))
        self._take(")")
        return terms


def _literal(kind: str, token: str) -> Term:
    values: dict[str, Callable[[], Value]] = {
        "TRUE": lambda: True,
        "FALSE": lambda: False,
        "integer": lambda: int(token),
        "string": lambda: _unquoted(token),
    }
    if kind not in values:
        raise ValueError(f"filter 'cesql': {token or 'its end'!r} is not expected")
    value = values[kind]()
    return lambda _: value


def _unquoted(token: str) -> str:
    return token[1:-1].replace("\\" + token[0], token[0])


def _attribute(name: str) -> Term:
    def value(event: Event) -> str:
        text = event.get(name)
        if text is None:
            raise EvaluationError(f"no attribute {name}")
        return text

    return value


def _presence(name: str) -> Term:
    return lambda event: event.get(name) is not None


def _negative(term: Term) -> Term:
    return lambda event: integer(-integer(term(event)))


def _negation(term: Term) -> Term:
    return lambda event: not boolean(term(event))


def _equality(one: Term, other: Term) -> Term:
    """The first is cast to the type of the second."""

    def equal(event: Event) -> bool:
        value, wanted = one(event), other(event)
        return bool(CASTS[type(wanted)](value) == wanted)

    return equal


def _inclusion(one: Term, others: list[Term]) -> Term:
    """Each of the others is cast to the type of the one, which has its value once, since it may be an IN itself."""

    def includes(event: Event) -> bool:
        wanted = one(event)
        cast = CASTS[type(wanted)]
        return any(cast(other(event)) == wanted for other in others)

    return includes


def _binary(symbol: str, one: Term, other: Term) -> Term:
    if symbol in _ARITHMETIC:
        count = _ARITHMETIC[symbol][1]
        return lambda event: integer(count(integer(one(event)), integer(other(event))))
    if symbol in _ORDERS:
        compare = _ORDERS[symbol]
        return lambda event: compare(integer(one(event)), integer(other(event)))
    if symbol in {"!=", "<>"}:
        return _negation(_equality(one, other))
    return _equality(one, other) if symbol == "=" else _logic(symbol, one, other)


def _logic(symbol: str, one: Term, other: Term) -> Term:
    """The second is asked only where the first leaves the matter open."""
    made: dict[str, Callable[[Event], Any]] = {
        "AND": lambda event: boolean(one(event)) and boolean(other(event)),
        "OR": lambda event: boolean(one(event)) or boolean(other(event)),
        "XOR": lambda event: boolean(one(event)) is not boolean(other(event)),
    }
    return made[symbol]
