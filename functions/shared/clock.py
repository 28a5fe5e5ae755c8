"""The time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC, in the milliseconds that MongoDB stores."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
