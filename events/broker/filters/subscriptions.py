"""Filters of Triggers: `filter.attributes`, and the dialects of the CloudEvents Subscriptions API.

Rules: knative/specs control-plane.md, TriggerFilter; knative/eventing, SubscriptionsAPIFilter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from events.broker.filters import cesql
from events.cloudevents.event import Event

Types = frozenset[str] | None

# Filters of all Triggers run in one process, on each event, so their size is bounded.
_DEEPEST = 32  # filters within each other
_LARGEST = 16 << 10  # characters
_SHOWN = 200  # characters of a rejected filter


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled filter. `spec` is its declaration; filters of equal declarations are equal.

    `types` are the only event types that can match, by which JetStream filters; None if any type can.
    """

    spec: str
    matches: Callable[[Event], bool]
    types: Types

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and self.spec == other.spec

    def __hash__(self) -> int:
        return hash(self.spec)


class UnsupportedError(ValueError):
    """A filter in a dialect that this Broker class does not support."""


_Part = tuple[Callable[[Event], bool], Types]


def of_trigger(spec: Mapping[str, Any]) -> Filter:
    """Compile the filter of a Trigger's spec, where `filters` override `filter`. Raises ValueError."""
    dialects = spec.get("filters")
    attributes = (spec.get("filter") or {}).get("attributes") or {}
    _check_size(dialects or [])
    matches, types = _all(dialects) if dialects else _attributes(attributes)
    return Filter(repr(dialects or attributes), matches, types)


def _check_size(filters: Sequence[Mapping[str, Any]]) -> None:
    level = list(filters)
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _within(one)]
    if level:
        raise ValueError(f"filters are more than {_DEEPEST} deep")
    if len(repr(filters)) > _LARGEST:
        raise ValueError(f"filters take more than {_LARGEST} characters")


def _within(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*(spec.get("all") or ()), *(spec.get("any") or ()), *([spec["not"]] if spec.get("not") else ())]


def _attributes(wanted: Mapping[str, str]) -> _Part:
    """Compile `filter.attributes`: all are equal; an empty value asks for presence only."""
    _check_texts(wanted)
    exact = {name: value for name, value in wanted.items() if value}
    present = [name for name, value in wanted.items() if not value]
    equal, types = _exact(exact)
    if not present:
        return equal, types
    return lambda event: equal(event) and all(event.get(name) is not None for name in present), types


def _check_texts(wanted: Mapping[Any, Any]) -> None:
    """Raise ValueError unless names and values are strings, which files do not ensure."""
    if not all(isinstance(text, str) for pair in wanted.items() for text in pair):
        raise ValueError(f"filter compares with something other than strings: {str(dict(wanted))[:_SHOWN]}")


def _pairs(wanted: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return names with values. Raises ValueError for an empty value, as Knative's own Broker rejects it."""
    _check_texts(wanted)
    if not all(wanted.values()):
        raise ValueError(f"filter compares with an empty value: {str(dict(wanted))[:_SHOWN]}")
    return tuple(wanted.items())


def _exact(wanted: Mapping[str, str]) -> _Part:
    pairs = _pairs(wanted)
    types = frozenset({wanted["type"]}) if "type" in wanted else None
    return lambda event: all(event.get(name) == value for name, value in pairs), types


def _prefix(wanted: Mapping[str, str]) -> _Part:
    pairs = _pairs(wanted)
    return lambda event: all((event.get(name) or "").startswith(value) for name, value in pairs), None


def _suffix(wanted: Mapping[str, str]) -> _Part:
    pairs = _pairs(wanted)
    return lambda event: all((event.get(name) or "").endswith(value) for name, value in pairs), None


def _all(filters: Sequence[Mapping[str, Any]]) -> _Part:
    parts = [_compile(one) for one in filters]
    tests = [matches for matches, _ in parts]
    known = [types for _, types in parts if types is not None]
    return lambda event: all(matches(event) for matches in tests), frozenset.intersection(*known) if known else None


def _any(filters: Sequence[Mapping[str, Any]]) -> _Part:
    parts = [_compile(one) for one in filters]
    tests = [matches for matches, _ in parts]
    known = [types for _, types in parts if types is not None]
    types = frozenset[str]().union(*known) if len(known) == len(parts) else None
    return lambda event: any(matches(event) for matches in tests), types


def _not(spec: Mapping[str, Any]) -> _Part:
    matches, _ = _compile(spec)
    return lambda event: not matches(event), None


def _cesql(expression: str) -> _Part:
    return cesql.predicate(expression), None


_DIALECTS: Mapping[str, Callable[[Any], _Part]] = {
    "exact": _exact,
    "prefix": _prefix,
    "suffix": _suffix,
    "all": _all,
    "any": _any,
    "not": _not,
    "cesql": _cesql,
}


def _compile(spec: Mapping[str, Any]) -> _Part:
    if len(spec) != 1:
        raise ValueError(f"filter needs exactly one dialect, found {sorted(spec) or 'none'}")
    ((dialect, value),) = spec.items()
    if dialect not in _DIALECTS:
        raise UnsupportedError(f"filter dialect {dialect!r} is not supported")
    if not value:
        raise ValueError(f"filter {dialect!r} is empty")
    return _DIALECTS[dialect](value)
