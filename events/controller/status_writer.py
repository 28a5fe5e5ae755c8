"""Write status and finalizers to the Kubernetes API."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from lightkube import AsyncClient
from lightkube.types import PatchType

from events.controller.api_errors import CONFLICT, NOT_FOUND, code
from events.controller.snapshot import Change, Reconciliation

_log = logging.getLogger(__name__)

_RETRY_DELAY = 2.0  # seconds
_REPEAT_AFTER = 60.0  # seconds until a status that another replica has overwritten is written again
_OUTDATED = frozenset({NOT_FOUND, CONFLICT})  # the object is gone, or was changed; its watch tells


@dataclass(frozen=True, slots=True)
class _Written:
    """What was last written for an object, or found there; `change` is the patch that its watch has not shown yet."""

    claim: object
    since: float
    change: Change | None = None


class StatusWriter:
    """Writes the patches that the last submitted reconciliations need, one after another. Any number of replicas may.

    A patch to an object that has changed meanwhile is not written. Replicas that do not know the same report different
    status until they do; two that each insisted would write as fast as the API lets them. So each writes what it knows
    once; where another replica has overwritten it, it writes again only when it knows something new, or after a while.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._reconciliations: tuple[Reconciliation, ...] = ()
        self._submitted = asyncio.Event()
        self._written: dict[str, _Written] = {}

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
            self._submitted.clear()
            current = {_uid(one): one for one in self._reconciliations}
            self._written = {uid: written for uid, written in self._written.items() if uid in current}
            done = [await self._settle(uid, one) for uid, one in current.items()]
            delay = None if all(done) else _RETRY_DELAY

    async def _settle(self, uid: str, reconciliation: Reconciliation) -> bool:
        """Write the patch that an object needs. Return False if it is to be tried again.

        What was written is not written again before the watch has shown the object.
        """
        now, written = asyncio.get_running_loop().time(), self._written.get(uid)
        is_known = written is not None and written.claim == reconciliation.claim
        change = reconciliation.change()
        if change is None:
            known = replace(written, change=None) if written and is_known else None
            self._written[uid] = known or _Written(reconciliation.claim, now)
            return True
        if written and written.change == change:
            return True
        if written and is_known and change.of_status and now < written.since + _REPEAT_AFTER:
            return False
        return await self._write(uid, change, _Written(reconciliation.claim if change.of_status else None, now, change))

    async def _write(self, uid: str, change: Change, written: _Written) -> bool:
        try:
            await self._patch(change)
        except Exception as error:  # noqa: BLE001 any response to one patch: the others are written
            if code(error) not in _OUTDATED:
                fields = {"kind": change.kind.__name__, "object": change.item["metadata"]["name"]}
                _log.warning("patch of an object failed; retrying in 2 s", extra={**fields, "reason": repr(error)})
                return False
            written = replace(written, claim=None)
        self._written[uid] = written
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
