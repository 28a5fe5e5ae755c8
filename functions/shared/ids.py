"""Ids are MongoDB ObjectIds, outside the database always as 24 hex digits."""

import re

_HEX = re.compile("[0-9a-f]{24}")


def parse_id(value: object) -> str | None:
    """Return the id in lower case, or None if the value is not an id."""
    if isinstance(value, str) and _HEX.fullmatch(value.lower()):
        return value.lower()
    return None
