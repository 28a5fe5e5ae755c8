"""Write status and finalizers to the Kubernetes API."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from lightkube import AsyncClient
from lightkube.types import PatchType

from events.controller.api_errors import CONFLICT, NOT_FOUND, code
from events.controller.snapshot import Change, Reconciliation

_log = logging.getLogger(__name__)

_RETRY_DELAY = 2.0  # seconds
_OUTDATED = frozenset({NOT_FOUND, CONFLICT})  # the object is gone, or was changed; its watch tells


class StatusWriter:
    """Writes the patches that the last submitted reconciliations need, one after another, while this replica leads.

    Replicas that do not know the same would overwrite each other's status. A patch to an object that has changed
    meanwhile, perhaps by the next leader, is not written.
    """

    def __init__(self, client: AsyncClient, leading: asyncio.Event) -> None:
        self._client = client
        self._leading = leading
        self._reconciliations: tuple[Reconciliation, ...] = ()
        self._submitted = asyncio.Event()
        self._unseen: dict[str, Change] = {}  # what was written and its watch has not shown yet, by uid

    def submit(self, reconciliations: Iterable[Reconciliation]) -> None:
        """Write the patches that these need, and forget those that were submitted before."""
        self._reconciliations = tuple(reconciliations)
        self._submitted.set()

    async def run(self) -> None:
        """Write until cancelled."""
        delay = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._submitted.wait()
            await self._leading.wait()
            self._submitted.clear()
            current = {_uid(one): one for one in self._reconciliations}
            self._unseen = {uid: change for uid, change in self._unseen.items() if uid in current}
            done = [await self._settle(uid, one) for uid, one in current.items()]
            delay = None if all(done) else _RETRY_DELAY

    async def _settle(self, uid: str, reconciliation: Reconciliation) -> bool:
        """Write the patch that an object needs. Return False if it is to be tried again.

        What was written is not written again before the watch has shown the object.
        """
        change = reconciliation.change()
        if change is None:
            self._unseen.pop(uid, None)
            return True
        return change == self._unseen.get(uid) or await self._write(uid, change)

    async def _write(self, uid: str, change: Change) -> bool:
        try:
            await self._patch(change)
        except Exception as error:  # noqa: BLE001 any response to one patch: the others are written
            if code(error) not in _OUTDATED:
                fields = {"kind": change.kind.__name__, "object": change.item["metadata"]["name"]}
                _log.warning("patch of an object failed; retrying in 2 s", extra={**fields, "reason": repr(error)})
                return False
        self._unseen[uid] = change
        return True

    async def _patch(self, change: Change) -> None:
        """Patch an object; the API answers 409 if it has changed since."""
        version = change.item["metadata"]["resourceVersion"]
        metadata = {**change.patch.get("metadata", {}), "resourceVersion": version}
        await self._client.patch(
            change.kind.Status if change.of_status else change.kind,
            change.item["metadata"]["name"],
            {**change.patch, "metadata": metadata},
            namespace=change.item["metadata"]["namespace"],
            patch_type=PatchType.MERGE,
        )


def _uid(reconciliation: Reconciliation) -> str:
    return str(reconciliation.item["metadata"]["uid"])
