"""The trace that a request or event belongs to (W3C Trace Context), carried from hop to hop unchanged.

CloudEvents carry it as the attribute `traceparent` (Distributed Tracing extension).
"""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile("00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def follow(traceparent: object) -> None:
    """Go on with the caller's trace, or start one if there is none or a malformed one."""
    if not isinstance(traceparent, str) or not _TRACEPARENT.fullmatch(traceparent):
        traceparent = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    _current.set(traceparent)


def current() -> str:
    """The traceparent of what is being handled now."""
    return _current.get()


def trace_id() -> str:
    """The part that all hops of one trace share."""
    return current()[3:35]
