"""Filters of Triggers, parsed once for each generation."""

from collections.abc import Iterable

from events.broker import manifest
from events.broker.filters import subscriptions
from events.broker.filters.subscriptions import Filter
from events.controller import kinds
from events.controller.kinds import Object

_Version = tuple[str, int | None]


class FilterCache:
    """Parses each filter once: it may take a tenth of a second, and every change reconciles all Triggers."""

    def __init__(self) -> None:
        self._parsed: dict[_Version, Filter | Exception] = {}

    def get(self, item: Object) -> Filter:
        """Return the filter of a Trigger. Raises one of manifest.SPEC_ERRORS."""
        version = _version(item)
        if version not in self._parsed:
            self._parsed[version] = _parse(item)
        found = self._parsed[version]
        if isinstance(found, Exception):
            raise found.with_traceback(None)  # or the traceback would grow with each raise
        return found

    def retain(self, items: Iterable[Object]) -> None:
        """Drop all but the filters of these Triggers."""
        versions = {_version(item) for item in items}
        self._parsed = {version: found for version, found in self._parsed.items() if version in versions}


def _version(item: Object) -> _Version:
    """Identify a spec: uid and generation."""
    return item["metadata"]["uid"], item["metadata"].get("generation")


def _parse(item: Object) -> Filter | Exception:
    try:
        return subscriptions.of_trigger(kinds.spec(item))
    except manifest.SPEC_ERRORS as error:
        return error
