"""URLs of subscribers, which are opaque: requested byte for byte as written, and shown without their secrets."""

import re
from urllib.parse import quote, urlsplit

_MASK = "***"
_URI_CHARACTERS = "%:/?#[]@!$&'()*+,;=-._~"
_VALUE = re.compile("=[^&]*")


def redact(url: str) -> str:
    """Return a URL for logs and dead letters: user information and values of the query are masked."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return _MASK
    _, at, host = parts.netloc.rpartition("@")
    query = _VALUE.sub(f"={_MASK}", parts.query) if "=" in parts.query else _MASK * bool(parts.query)
    return parts._replace(netloc=f"{_MASK}{at}{host}" if at else host, query=query).geturl()


def encode(url: str) -> str:
    """Percent-encode the characters that no URI may have; all others stay as they are."""
    return quote(url, safe=_URI_CHARACTERS)
