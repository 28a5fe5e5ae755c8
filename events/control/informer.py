"""The objects of one kind, kept as the Kubernetes API tells of them: listed once, then watched."""

import asyncio
import logging
from collections.abc import Callable

from httpx2 import HTTPError
from lightkube import ApiError, AsyncClient

from events.control.kinds import EVERYWHERE, Key, Kind, Object, key

_log = logging.getLogger(__name__)

_CHUNK = 500  # objects in an answer
_WATCH = 60.0  # seconds after which a watch is opened anew: a connection may have died without a sound
_FIRST_DELAY, _LONGEST_DELAY = 0.25, 8.0  # seconds
_GONE = 410


class Informer:
    """`objects` of one kind in all namespaces, by namespace and name; `keep` may cut them down to what is needed.

    They stay while the API cannot be reached. `failure` says why they are not known if they never were; once they
    are, `synced` holds. `changed` is called whenever any of this changes.
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
        self.failure: str | None = None

    @property
    def pending(self) -> bool:
        """Whether it is not known yet what there is, nor that it cannot be known."""
        return not self.synced and self.failure is None

    async def run(self) -> None:
        """List and watch until cancelled."""
        delay = _FIRST_DELAY
        while True:
            try:
                version = await self._list()
                delay = _FIRST_DELAY
                await self._watch(version)
            except ApiError as error:
                if error.status.code != _GONE:  # the ordinary end of a watch that nothing happened in
                    self._note_failure(str(error))
            except (HTTPError, OSError) as error:
                self._note_failure(repr(error))
            except Exception:  # noqa: BLE001 whatever the API answers, what is known is delivered
                _log.exception("the API was not understood", extra={"kind": self._kind.__name__})
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _list(self) -> str:
        """The version of the whole."""
        listing = self._client.list(self._kind, namespace=EVERYWHERE, chunk_size=_CHUNK)
        self.objects = {key(item): self._keep(item) async for item in listing}
        self.synced, self.failure = True, None
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

    def _note_failure(self, reason: str) -> None:
        _log.warning("the API cannot be asked", extra={"kind": self._kind.__name__, "reason": reason})
        self.failure = reason
        if not self.synced:
            self._changed()
