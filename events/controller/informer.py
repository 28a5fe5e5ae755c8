"""The objects of one kind, kept as the Kubernetes API tells of them: listed once, then watched."""

import asyncio
import logging
from collections.abc import Callable

from lightkube import AsyncClient

from events.controller.api_errors import GONE, NOT_FOUND, code
from events.controller.kinds import EVERYWHERE, Key, Kind, Object, key

_log = logging.getLogger(__name__)

_CHUNK = 500  # objects in an answer
_WATCH = 60.0  # seconds after which a watch is opened anew: a connection may have died without a sound
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 8.0  # seconds


class Informer:
    """`objects` of one kind in all namespaces, by namespace and name; `keep` may cut them down to what is needed.

    They stay while the API cannot be reached. `failure` says why they are not known if they never were, and `absent`
    that the API has no such kind; once they are known, `synced` holds. `changed` is called whenever any of this
    changes.
    """

    def __init__(
        self,
        client: AsyncClient,
        kind: Kind,
        changed: Callable[[], None],
        keep: Callable[[Object], Object] = lambda item: item,
    ) -> None:
        self._client = client
        self._kind = kind
        self._changed = changed
        self._keep = keep
        self.objects: dict[Key, Object] = {}
        self.synced = False
        self.absent = False
        self.failure: str | None = None

    @property
    def pending(self) -> bool:
        """Whether there is no answer yet, neither what there is nor that it cannot be known."""
        return not self.synced and self.failure is None

    async def run(self) -> None:
        """List and watch until cancelled; what does not last is tried again ever more slowly."""
        clock, delay = asyncio.get_running_loop().time, _FIRST_DELAY
        while True:
            began = clock()
            try:
                await self._watch(await self._list())
            except Exception as error:  # noqa: BLE001 whatever the API answers, what is known is delivered
                self._note_failure(error)
            if clock() - began > _LONGEST_DELAY:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _list(self) -> str:
        """The version of the whole."""
        listing = self._client.list(self._kind, namespace=EVERYWHERE, chunk_size=_CHUNK)
        self.objects = {key(item): self._keep(item) async for item in listing}
        self.synced, self.absent, self.failure = True, False, None
        self._changed()
        return listing.resourceVersion

    async def _watch(self, version: str) -> None:
        while True:
            try:
                async with asyncio.timeout(_WATCH):
                    async for change, item in self._client.watch(
                        self._kind, namespace=EVERYWHERE, resource_version=version
                    ):
                        version = item["metadata"]["resourceVersion"]
                        self._apply(change, item)
            except TimeoutError:
                continue

    def _apply(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self.objects.pop(key(item), None)
        else:
            self.objects[key(item)] = self._keep(item)
        self._changed()

    def _note_failure(self, error: Exception) -> None:
        if code(error) == GONE:  # the ordinary end of a watch that nothing happened in
            return
        _log.warning("the API cannot be asked", extra={"kind": self._kind.__name__, "reason": repr(error)})
        self.failure = str(error) or repr(error)
        self.absent = code(error) == NOT_FOUND
        if not self.synced:
            self._changed()
