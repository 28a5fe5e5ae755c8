"""The time until which a caller waits for a response, as the gateway sets it on each request.

It is an absolute time, so that time in queues counts. Without the header there is no deadline, nor with one that is
malformed or long over: no queue keeps a request that long, so the clocks of gateway and function differ.
"""

import time
from contextvars import ContextVar

from functions.shared.errors import DeadlineExceeded

HEADER = "x-request-deadline"
MAX_QUEUE_SECONDS = 60

_current: ContextVar[float | None] = ContextVar("deadline", default=None)


def follow(header: str | None) -> None:
    """Take over the deadline of a request: seconds since the epoch, with or without a fraction."""
    try:
        deadline = float(header or "")
    except ValueError:
        deadline = None
    _current.set(deadline)


def is_over() -> bool:
    """Tell if the caller has stopped waiting."""
    deadline = _current.get()
    return deadline is not None and 0 <= time.time() - deadline < MAX_QUEUE_SECONDS


def require_time() -> None:
    """Require that the caller still waits.

    Raises:
        DeadlineExceeded: it does not.
    """
    if is_over():
        raise DeadlineExceeded
