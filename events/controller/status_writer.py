"""Writes to the Kubernetes API: status and finalizers."""

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
_INSISTENCE = 60.0  # seconds until what another replica has contradicted is said again
_OVERTAKEN = frozenset({NOT_FOUND, CONFLICT})  # the object is gone, or was changed; its watch tells


@dataclass(frozen=True, slots=True)
class _Said:
    """What was last said of an object, or found said already; `change` is the patch that is not seen there yet."""

    claim: object
    since: float
    change: Change | None = None


class StatusWriter:
    """Writes what the verdicts that it is given last need, one after another. Any number of replicas may.

    One that was overtaken writes nothing. Replicas that do not know the same contradict each other until they do, and
    two that insisted would write as fast as the API lets them. So each says what it knows once; where another has said
    something else since, it says so again only when it has learned something new, or after a while.
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._verdicts: tuple[Reconciliation, ...] = ()
        self._given = asyncio.Event()
        self._said: dict[str, _Said] = {}

    def give(self, verdicts: Iterable[Reconciliation]) -> None:
        """Write what these need, and forget those that were given before."""
        self._verdicts = tuple(verdicts)
        self._given.set()

    async def run(self) -> None:
        """Write until cancelled."""
        patience = None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._given.wait()
            self._given.clear()
            verdicts = {_uid(verdict): verdict for verdict in self._verdicts}
            self._said = {uid: said for uid, said in self._said.items() if uid in verdicts}
            done = [await self._settle(uid, verdict) for uid, verdict in verdicts.items()]
            patience = None if all(done) else _RETRY_DELAY

    async def _settle(self, uid: str, verdict: Reconciliation) -> bool:
        """Whether nothing is left to write. What was written is not written again before the object is seen anew."""
        now, said = asyncio.get_running_loop().time(), self._said.get(uid)
        is_known = said is not None and said.claim == verdict.claim
        change = verdict.change()
        if change is None:
            self._said[uid] = replace(said, change=None) if said and is_known else _Said(verdict.claim, now)
            return True
        if said and said.change == change:
            return True
        if said and is_known and change.of_status and now < said.since + _INSISTENCE:
            return False
        return await self._write(uid, change, _Said(verdict.claim if change.of_status else None, now, change))

    async def _write(self, uid: str, change: Change, said: _Said) -> bool:
        try:
            await self._patch(change)
        except Exception as error:  # noqa: BLE001 whatever the answer to one is, others are written
            if code(error) not in _OVERTAKEN:
                extra = {"object": change.item["metadata"]["name"], "reason": repr(error)}
                _log.warning("%s cannot be written", change.kind.__name__, extra=extra)
                return False
            said = replace(said, claim=None)
        self._said[uid] = said
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


def _uid(verdict: Reconciliation) -> str:
    return str(verdict.item["metadata"]["uid"])
