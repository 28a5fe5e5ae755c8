"""Spans: the steps of a trace (W3C Trace Context). Without an OTLP endpoint none is recorded, and a trace passes on.

OpenTelemetry is imported only where spans are recorded, since it costs a start's time and memory.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum, auto
from typing import Protocol

from events.telemetry.environment import is_exported

Attributes = Mapping[str, str | int | float | bool]

HEADER = "traceparent"

_TRACEPARENT = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Kind(Enum):
    """The role of a span, by OpenTelemetry's names."""

    CLIENT = auto()
    CONSUMER = auto()
    INTERNAL = auto()
    PRODUCER = auto()
    SERVER = auto()


class Span(Protocol):
    """A step that has begun; `traceparent` is its own, which makes later steps its children."""

    @property
    def traceparent(self) -> str:
        """W3C's header value; empty outside of any trace."""

    def set(self, attributes: Attributes) -> None:
        """Set attributes."""

    def fail(self, reason: str, description: str = "") -> None:
        """Mark the step as failed: `reason` is one of few, the status or the class of the error for instance."""

    def end(self) -> None:
        """End the step now."""


class Tracer(Protocol):
    """Starts spans that are recorded."""

    def start(self, name: str, kind: Kind, parent: str, link: str, attributes: Attributes) -> Span:
        """Start a span below `parent`, or a new trace without one; `link` names what it follows from."""


class _Unrecorded:
    """A step of another process, or one that is not recorded."""

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent

    def set(self, attributes: Attributes) -> None: ...
    def fail(self, reason: str, description: str = "") -> None: ...
    def end(self) -> None: ...


class _Process:
    tracer: Tracer | None = None


_NO_TRACE = _Unrecorded("")
_current: ContextVar[Span] = ContextVar("span", default=_NO_TRACE)


def configure(service: str) -> None:
    """Record this process's spans under the name of its service, if the environment has them exported."""
    if is_exported("TRACES", os.environ):
        from events.telemetry.sdk import SdkTracer  # noqa: PLC0415 see the module's docstring

        _Process.tracer = SdkTracer(service)


def are_recorded() -> bool:
    """Tell whether this process records spans."""
    return _Process.tracer is not None


def is_valid(traceparent: object) -> bool:
    """Tell whether a value is a traceparent of the version that W3C has published."""
    return isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent) is not None


def follow(traceparent: str) -> None:
    """Make a step of another process the current one; with an empty text there is none."""
    _current.set(_Unrecorded(traceparent))


def current() -> str:
    """Return the traceparent of the current step, empty outside of any trace."""
    return _current.get().traceparent


def outgoing() -> dict[str, str]:
    """Return the header by which a message passes the current span on; without a recorded one there is none."""
    return {HEADER: current()} if are_recorded() and current() else {}


def annotate(attributes: Callable[[], Attributes]) -> None:
    """Set attributes of the current span, which are asked for only if spans are recorded."""
    if are_recorded():
        _current.get().set(attributes())


@contextmanager
def span(
    name: str, kind: Kind, attributes: Callable[[], Attributes] = dict, *, parent: str | None = None, link: str = ""
) -> Iterator[Span]:
    """Make the block a step: below the current one, or below `parent`, which is empty for a new trace.

    `attributes` are asked for only if spans are recorded. An error that leaves the block marks the span as failed.
    """
    tracer = _Process.tracer
    if tracer is None:
        yield _NO_TRACE
        return
    started = tracer.start(name, kind, current() if parent is None else parent, link, attributes())
    token = _current.set(started)
    try:
        yield started
    except BaseException as error:
        started.fail(type(error).__name__)
        raise
    finally:
        _current.reset(token)
        started.end()
