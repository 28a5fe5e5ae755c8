"""The time until which a caller waits for a response, as the gateway sets it on each request.

It is an absolute time, so that what a request waits in queues counts. Without the header, or when it is malformed or
long over, there is no deadline: the latter means that clocks differ, since no queue holds a request that long.
"""

import time
from contextvars import ContextVar

from functions.shared.errors import DeadlineExceeded

HEADER = "x-request-deadline"
LONGEST_QUEUE_SECONDS = 60

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
    return deadline is not None and 0 <= time.time() - deadline < LONGEST_QUEUE_SECONDS


def require_time() -> None:
    """Require that the caller still waits.

    Raises:
        DeadlineExceeded: it does not.
    """
    if is_over():
        raise DeadlineExceeded
