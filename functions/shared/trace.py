"""The trace that a request or event belongs to (W3C Trace Context), and the spans that this process adds to it.

HTTP carries it as the header `traceparent`, which names the hop before; CloudEvents carry where an event was made, as
the attribute of that name (Distributed Tracing extension). Without an OTLP endpoint no spans are recorded, and both
carry what came in.
"""

import os
import re
import secrets
from collections.abc import Mapping

from events.telemetry import spans
from events.telemetry.spans import Attributes, Kind, Span, annotate, current, span

__all__ = ["ORDER", "Attributes", "Kind", "Span", "annotate", "current", "span"]

ORDER = "ticketing.order.id"

_ID = re.compile("[0-9a-f]{24}")

spans.configure(os.environ.get("K_SERVICE", "function"))


def follow(*traceparents: object) -> None:
    """Continue the trace of the first valid traceparent; start a new one if none is valid."""
    found = next(filter(spans.is_valid, traceparents), None)
    if found is None and not spans.are_recorded():
        found = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    spans.follow(str(found or ""))


def adopt(event: object) -> None:
    """Continue the trace of an event that came without the header, if the request is not within that trace already."""
    if not spans.is_valid(event) or str(event)[3:35] != trace_id():
        follow(event)


def identifiers() -> Mapping[str, str]:
    """Return the trace's id, which all its hops share, and the current span's where spans are recorded, for logs."""
    trace = {"trace": trace_id()}
    return trace | {"span": current()[36:52]} if spans.are_recorded() else trace


def trace_id() -> str:
    """Return the trace id, which all hops of one trace share."""
    return current()[3:35]


def route_of(path: str) -> str:
    """Return the route of a path of the API, ids replaced so that requests for different objects count as alike.

    It is empty for other paths, which clients may make up without end.
    """
    return _ID.sub(":id", path) if path.startswith("/api/") else ""
