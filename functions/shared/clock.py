"""The time, and waiting for replication."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

REPLICATION_PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.05

Found = TypeVar("Found")


def now() -> datetime:
    """Return the current time in UTC, in the milliseconds that MongoDB stores."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def await_replica(find: Callable[[], Found | None]) -> Found | None:
    """Return what `find` finds, trying for up to two seconds: a caller may be faster than replication."""
    deadline = time.monotonic() + REPLICATION_PATIENCE_SECONDS
    while (found := find()) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
