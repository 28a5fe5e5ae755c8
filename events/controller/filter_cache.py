"""Filters of Triggers as they were read."""

from collections.abc import Iterable

from events.broker import manifest
from events.broker.filters import subscriptions
from events.broker.filters.subscriptions import Filter
from events.controller import kinds
from events.controller.kinds import Object

_Version = tuple[str, int | None]


class FilterCache:
    """Reads each once: it may take a tenth of a second, and whatever anybody changes, all Triggers are judged anew."""

    def __init__(self) -> None:
        self._known: dict[_Version, Filter | Exception] = {}

    def of(self, item: Object) -> Filter:
        """The filter of a Trigger. Raises one of MISTAKES."""
        version = _version(item)
        if version not in self._known:
            self._known[version] = _read(item)
        found = self._known[version]
        if isinstance(found, Exception):
            raise found.with_traceback(None)  # or it would grow each time
        return found

    def keep(self, items: Iterable[Object]) -> None:
        """Forget all but those of these Triggers."""
        versions = {_version(item) for item in items}
        self._known = {version: found for version, found in self._known.items() if version in versions}


def _version(item: Object) -> _Version:
    """What no other spec shares."""
    return item["metadata"]["uid"], item["metadata"].get("generation")


def _read(item: Object) -> Filter | Exception:
    try:
        return subscriptions.of_trigger(kinds.spec(item))
    except manifest.MISTAKES as error:
        return error
