"""Ids are MongoDB ObjectIds, outside the database always as 24 hex digits."""

import re
from datetime import UTC, datetime

_HEX = re.compile("[0-9a-f]{24}")
_TIMESTAMP = slice(8)  # the first four bytes: seconds since the epoch


def parse_id(value: object) -> str | None:
    """Return the id in lower case, or None if the value is not an id."""
    if isinstance(value, str) and _HEX.fullmatch(value.lower()):
        return value.lower()
    return None


def created_at(value: str) -> datetime:
    """Return the second in which an id was made, by the clock of its maker."""
    return datetime.fromtimestamp(int(value[_TIMESTAMP], 16), UTC)
