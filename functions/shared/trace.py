"""The trace that a request or event belongs to (W3C Trace Context), carried from hop to hop unchanged.

CloudEvents carry it as the attribute `traceparent` (Distributed Tracing extension).
"""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def follow(traceparent: object) -> None:
    """Continue the caller's trace; start a new one if the traceparent is missing or malformed."""
    if not isinstance(traceparent, str) or not _TRACEPARENT.fullmatch(traceparent):
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    _current.set(traceparent)


def current() -> str:
    """Return the traceparent of the request being handled."""
    return _current.get()


def trace_id() -> str:
    """Return the trace id, which all hops of one trace share."""
    return current()[3:35]
