"""Waiting for replicas: a caller may be faster than the event of what was just created."""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from functions.shared import deadline
from functions.shared.clock import now
from functions.shared.errors import TooManyWaiting
from functions.shared.ids import created_at

PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.05
# An id that is older is replicated by now or does not exist; the same span is granted to clocks that are ahead.
REPLICATION_TIME = timedelta(minutes=1)

Found = TypeVar("Found")

# At most half of the threads wait, so that requests that need not wait always find one.
_waiting = threading.BoundedSemaphore(max(1, int(os.environ.get("THREADS", "4")) // 2))


def await_replica(aggregate_id: str, find: Callable[[], Found | None]) -> Found | None:
    """Return what `find` finds; while an id is new, try again for up to two seconds.

    Raises:
        TooManyWaiting: the id is new, and no thread is free for waiting.
        DeadlineExceeded: the caller has stopped waiting.
    """
    if (found := find()) is not None or not _is_new(aggregate_id):
        return found
    if not _waiting.acquire(blocking=False):
        raise TooManyWaiting
    try:
        return _poll(find)
    finally:
        _waiting.release()


def _is_new(aggregate_id: str) -> bool:
    return abs(now() - created_at(aggregate_id)) < REPLICATION_TIME


def _poll(find: Callable[[], Found | None]) -> Found | None:
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := find()) is None and time.monotonic() < end:
        deadline.require_time()
        time.sleep(POLL_SECONDS)
    return found
