"""Timestamps as CloudEvents have them: RFC 3339."""

import re
from datetime import UTC, datetime

from events.cloudevents.errors import MalformedEventError

_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_SECOND = slice(17, 19)


def parse_timestamp(text: str, name: str) -> datetime:
    """Return the time in UTC, to the microsecond; a leap second is the second before it.

    Raises MalformedEventError, whose text begins with `name`, the attribute's.
    """
    try:
        if _TIMESTAMP.fullmatch(text):
            if text[_SECOND] == "60":
                text = f"{text[: _SECOND.start]}59{text[_SECOND.stop :]}"
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:  # no such day, or a year that only one time zone has
        raise MalformedEventError(f"{name} is not an RFC 3339 timestamp") from error
    raise MalformedEventError(f"{name} is not an RFC 3339 timestamp")
