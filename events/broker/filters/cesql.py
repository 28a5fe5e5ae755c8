"""The filter dialect `cesql`: the CloudEvents SQL Expression Language 1.0, compiled once for each Trigger.

Rules: cloudevents/spec cesql/spec.md. An event for which an expression has no value, because an attribute is missing
for instance, does not pass, as in knative/eventing (pkg/eventfilter, cesql_filter.go).
"""

from collections.abc import Callable, Mapping

from events.broker.filters.cesql_terms import (
    Term,
    attribute,
    binary,
    call,
    inclusion,
    likeness,
    literal,
    negation,
    negative,
    presence,
)
from events.broker.filters.cesql_tokens import Tokens, unquoted
from events.broker.filters.cesql_values import FUNCTIONS, EvaluationError, boolean
from events.cloudevents.event import Event

_MAX_OPERANDS = 250  # each is a closure within others

_LOGIC, _COMPARISON, _ADDITIVE, _MULTIPLICATIVE, _MEMBERSHIP, _UNARY = range(1, 7)  # tighter binding is higher
_LEVELS: Mapping[str, int] = {
    **dict.fromkeys(("AND", "OR", "XOR"), _LOGIC),
    **dict.fromkeys(("=", "!=", "<>", "<", "<=", ">", ">="), _COMPARISON),
    **dict.fromkeys(("+", "-"), _ADDITIVE),
    **dict.fromkeys(("*", "/", "%"), _MULTIPLICATIVE),
    **dict.fromkeys(("NOT", "LIKE", "IN"), _MEMBERSHIP),
}


def predicate(expression: str) -> Callable[[Event], bool]:
    """Compile an expression into a test of events. Raises ValueError if it is malformed."""
    term = _Parser(expression).parse()

    def matches(event: Event) -> bool:
        try:
            return boolean(term(event))
        except EvaluationError:
            return False

    return matches


class _Parser:
    """Compiles an expression by precedence climbing."""

    def __init__(self, expression: str) -> None:
        self._tokens = Tokens(expression)
        self._operands = 0

    def parse(self) -> Term:
        term = self._expression(0)
        self._tokens.take("end")
        return term

    def _expression(self, level: int) -> Term:
        """Compile what binds at least as tightly as `level`. Logic groups from the right, all else from the left."""
        term = self._operand()
        while (found := _LEVELS.get(self._tokens.kind, 0)) >= max(level, _LOGIC):
            symbol = self._tokens.kind
            self._tokens.advance()
            if found == _MEMBERSHIP:
                term = self._membership(symbol, term)
            else:
                term = binary(symbol, term, self._expression(found if found == _LOGIC else found + 1))
        return term

    def _operand(self) -> Term:
        self._operands += 1
        if self._operands > _MAX_OPERANDS:
            raise ValueError(f"filter 'cesql' has more than {_MAX_OPERANDS} operands")
        kind, text = self._tokens.kind, self._tokens.advance()
        if kind == "(":
            term = self._expression(0)
            self._tokens.take(")")
        elif kind == "NOT":
            term = negation(self._expression(_UNARY))
        elif kind == "-":
            term = negative(self._expression(_UNARY))
        elif kind == "EXISTS":
            term = presence(self._tokens.take("word").lower())
        elif kind == "word":
            term = self._call(text.upper()) if self._tokens.skip("(") else attribute(text.lower())
        else:
            term = literal(kind, text)
        return term

    def _membership(self, symbol: str, term: Term) -> Term:
        if symbol == "NOT":
            return negation(self._membership(self._tokens.advance().upper(), term))
        if symbol == "LIKE":
            return likeness(term, unquoted(self._tokens.take("string")), len(self._tokens.expression))
        if symbol == "IN":
            self._tokens.take("(")
            return inclusion(term, self._rest_of_list())
        raise ValueError("filter 'cesql': NOT is followed by LIKE or IN")

    def _call(self, name: str) -> Term:
        arguments = [] if self._tokens.skip(")") else self._rest_of_list()
        function = FUNCTIONS.get(name)
        if function is None or not function.takes(len(arguments)):
            raise ValueError(f"filter 'cesql': no function {name} of {len(arguments)} arguments")
        return call(function, arguments)

    def _rest_of_list(self) -> list[Term]:
        terms = [self._expression(0)]
        while self._tokens.skip(","):
            terms.append(self._expression(0))
        self._tokens.take(")")
        return terms
