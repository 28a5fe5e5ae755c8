"""Writes to the Kubernetes API: status and finalizers."""

import asyncio
import logging
from collections.abc import Iterable

from httpx2 import HTTPError
from lightkube import ApiError, AsyncClient
from lightkube.types import PatchType

from events.control.view import Change

_log = logging.getLogger(__name__)

_RETRY_DELAY = 2.0  # seconds
_OVERTAKEN = frozenset({404, 409})  # the object is gone, or was changed; its watch tells


class Reporter:
    """Writes the changes that it is given last. Any number of replicas may: one that was overtaken writes nothing."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._changes: tuple[Change, ...] = ()
        self._given = asyncio.Event()
        self._written: dict[str, Change] = {}

    def give(self, changes: Iterable[Change]) -> None:
        """Write these, and forget those that were given before."""
        self._changes = tuple(changes)
        self._given.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._given.wait()
            self._given.clear()
            changes = self._changes
            names = {_uid(change) for change in changes}
            self._written = {uid: change for uid, change in self._written.items() if uid in names}
            done = [await self._write(change) for change in changes]
            if not all(done) and not self._given.is_set():
                await asyncio.sleep(_RETRY_DELAY)
                self._given.set()

    async def _write(self, change: Change) -> bool:
        """Whether that is settled. What was written already is not written again before the object is seen anew."""
        if self._written.get(_uid(change)) == change:
            return True
        try:
            await self._patch(change)
        except ApiError as error:
            if error.status.code not in _OVERTAKEN:
                return _failed(change, str(error))
        except (HTTPError, OSError) as error:
            return _failed(change, repr(error))
        self._written[_uid(change)] = change
        return True

    async def _patch(self, change: Change) -> None:
        """Only if nobody has changed the object since."""
        version = change.item["metadata"]["resourceVersion"]
        metadata = {**change.patch.get("metadata", {}), "resourceVersion": version}
        await self._client.patch(
            change.kind.Status if change.of_status else change.kind,
            change.item["metadata"]["name"],
            {**change.patch, "metadata": metadata},
            namespace=change.item["metadata"]["namespace"],
            patch_type=PatchType.MERGE,
        )


def _uid(change: Change) -> str:
    return str(change.item["metadata"]["uid"])


def _failed(change: Change, reason: str) -> bool:
    name = change.item["metadata"]["name"]
    _log.warning("%s cannot be written", change.kind.__name__, extra={"object": name, "reason": reason})
    return False
