"""The time, as the system keeps it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

REPLICATION_PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.05

Found = TypeVar("Found")


def now() -> datetime:
    """UTC, in the milliseconds that MongoDB stores."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def await_replica(find: Callable[[], Found | None]) -> Found | None:
    """What `find` finds, looking again for up to two seconds: a caller may be faster than replication."""
    deadline = time.monotonic() + REPLICATION_PATIENCE_SECONDS
    while (found := find()) is None and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return found
