"""Reserved sources: prefixes of event sources under which only the service that a source names may send events."""

from functools import lru_cache
from posixpath import normpath
from urllib.parse import unquote


@lru_cache(maxsize=1024)
def reserved_services(source: str, prefixes: tuple[str, ...]) -> frozenset[str]:
    """Return the services that a source names under reserved prefixes, none for other sources.

    A source counts in each spelling that a receiver may take for the same URI: as it is, percent-decoded, and without
    dot segments.
    """
    decoded = unquote(source)
    spellings = {source, decoded, normpath(decoded) + "/" * decoded.endswith("/")}
    return frozenset(
        spelling.removeprefix(prefix) for prefix in prefixes for spelling in spellings if spelling.startswith(prefix)
    )
