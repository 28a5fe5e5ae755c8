"""An informer: the objects of one kind in the Kubernetes API, listed once, then watched."""

import asyncio
import logging
from collections.abc import Callable

from lightkube import AsyncClient

from events.controller.api_errors import FORBIDDEN, GONE, NOT_FOUND, code
from events.controller.kinds import ALL_NAMESPACES, Key, Kind, Object, key

_log = logging.getLogger(__name__)

_CHUNK = 500  # objects in a response
_WATCH = 60.0  # seconds after which a watch is opened again: a connection may have died silently
_FIRST_DELAY, _MAX_DELAY = 0.25, 8.0  # seconds


class Informer:
    """Holds `objects` of one kind in all namespaces, by namespace and name; `reduce` may cut each to what is needed.

    `synced` tells if they are known; they stay while the API cannot be reached. Before that, `failure` says why they
    are not known: `absent` if the API has no such kind, `forbidden` if the bridge may not list it. `changed` is called
    whenever any of this changes.
    """

    def __init__(
        self,
        client: AsyncClient,
        kind: Kind,
        changed: Callable[[], None],
        reduce: Callable[[Object], Object] = lambda item: item,
    ) -> None:
        self._client = client
        self._kind = kind
        self._changed = changed
        self._reduce = reduce
        self.objects: dict[Key, Object] = {}
        self.synced = False
        self.absent = False
        self.forbidden = False
        self.failure: str | None = None

    @property
    def pending(self) -> bool:
        """Tell if the API has not responded yet, neither with the objects nor with an error."""
        return not self.synced and self.failure is None

    async def run(self) -> None:
        """List and watch until cancelled; failures are retried with exponential backoff."""
        clock, delay = asyncio.get_running_loop().time, _FIRST_DELAY
        while True:
            began = clock()
            try:
                await self._watch(await self._list())
            except Exception as error:  # noqa: BLE001 any response of the API: deliveries go on with what is known
                self._note_failure(error)
            if clock() - began > _MAX_DELAY:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay)
            delay = min(2 * delay, _MAX_DELAY)

    async def _list(self) -> str:
        """List all objects; return the resource version of the list."""
        listing = self._client.list(self._kind, namespace=ALL_NAMESPACES, chunk_size=_CHUNK)
        self.objects = {key(item): self._reduce(item) async for item in listing}
        self.synced, self.absent, self.forbidden, self.failure = True, False, False, None
        self._changed()
        return listing.resourceVersion

    async def _watch(self, version: str) -> None:
        while True:
            try:
                async with asyncio.timeout(_WATCH):
                    async for change, item in self._client.watch(
                        self._kind, namespace=ALL_NAMESPACES, resource_version=version
                    ):
                        version = item["metadata"]["resourceVersion"]
                        self._apply(change, item)
            except TimeoutError:
                continue

    def _apply(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self.objects.pop(key(item), None)
        else:
            self.objects[key(item)] = self._reduce(item)
        self._changed()

    def _note_failure(self, error: Exception) -> None:
        if code(error) == GONE:  # the ordinary end of a watch without changes
            return
        fields = {"kind": self._kind.__name__, "reason": repr(error)}
        _log.warning("list or watch of the Kubernetes API failed; retrying within 8 s", extra=fields)
        self.failure = f"the API responded {code(error)}" if code(error) else repr(error)
        self.absent, self.forbidden = code(error) == NOT_FOUND, code(error) == FORBIDDEN
        if not self.synced:
            self._changed()
