"""Brokers and Triggers of a cluster: what they want of the bridge, and what the bridge says about them."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from itertools import chain

from lightkube import AsyncClient

from events.broker.manifest import is_ours
from events.broker.model import Broker, Cleanup, DesiredState, ObservedState, Trigger
from events.controller import brokers, kinds, triggers
from events.controller.client import client
from events.controller.filter_cache import FilterCache
from events.controller.informer import Informer
from events.controller.kinds import BROKER, TRIGGER, Key
from events.controller.orphans import Orphans
from events.controller.references import References
from events.controller.snapshot import Reconciliation, Snapshot, is_leaving
from events.controller.status_writer import StatusWriter

_log = logging.getLogger(__name__)

_QUIET = 0.02  # seconds in which changes are gathered


def connect(ingress_url: str, domain: str, *, holds: bool) -> "Cluster":
    """The cluster that this process runs in, or else that of KUBECONFIG."""
    return Cluster(client(), ingress_url, domain, holds=holds)


class Cluster:
    """A source of wirings. `ingress_url` is where Brokers take events in, as `<ingress_url>/<namespace>/<name>`.

    Kubernetes Services have names in `domain`. Brokers and Triggers get a finalizer if it `holds` them.

    Any number of replicas may run at once: each delivers, and each says what it knows. None of them is the leader.

    The Kubernetes API may be away once it has told what there is. A process that starts while it is away delivers
    nothing until it is back: what is wanted stands nowhere else.
    """

    def __init__(self, client: AsyncClient, ingress_url: str, domain: str, *, holds: bool) -> None:
        self._client = client
        self._ingress_url = ingress_url.rstrip("/")
        self._holds = holds
        self._changed = asyncio.Event()
        self._brokers = Informer(client, BROKER, self._changed.set)
        self._triggers = Informer(client, TRIGGER, self._changed.set)
        self._references = References(client, self._changed.set, domain)
        self._filters = FilterCache()
        self._reporter = StatusWriter(client)
        self._remains = Orphans()
        self._progress = ObservedState()

    def observe(self, observed_state: ObservedState) -> None:
        """Take note of what is in place."""
        if observed_state != self._progress:
            self._progress = observed_state
            self._changed.set()

    async def has(self, cleanup: Cleanup) -> bool:
        """Whether the object that this would clean up after is certainly there now, and is to stay."""
        kind, name = (BROKER, cleanup.stream_names.broker) if cleanup.trigger is None else (TRIGGER, cleanup.trigger)
        try:
            item = await self._client.get(kind, name, namespace=cleanup.stream_names.namespace)
            return item["metadata"]["uid"] == cleanup.uid and not is_leaving(item)
        except Exception as error:  # noqa: BLE001 whatever the answer is, it is none
            _log.warning("an object is not known to be there", extra={"object": name, "reason": repr(error)})
            return False

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Give what is wanted, from when it is known as a whole, and report until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self._brokers, self._triggers, self._references, self._reporter):
                    tasks.create_task(part.run())
                await self._judge_on(take)
        finally:
            await self._client.close()

    async def _judge_on(self, take: Callable[[DesiredState], None]) -> None:
        """Whenever something changes; objects that were not seen yet are nothing to judge by."""
        last: DesiredState | None = None
        while True:
            await self._changed.wait()
            await asyncio.sleep(_QUIET)
            self._changed.clear()
            if self._brokers.synced and self._triggers.synced:
                verdicts = list(_judge(self._view()))
                self._filters.keep(self._triggers.objects.values())
                desired = self._desired(verdicts)
                if desired != last and (last or not self._references.pending):
                    last = desired
                    take(desired)
                self._reporter.give(verdicts)

    def _view(self) -> Snapshot:
        known = (self._brokers.objects, self._triggers.objects)
        return Snapshot(*known, self._references, self._filters, self._progress, self._ingress_url, self._holds)

    def _desired(self, verdicts: list[Reconciliation]) -> DesiredState:
        wanted = [verdict.wanted for verdict in verdicts if verdict.wanted]
        there = chain(self._brokers.objects.values(), self._triggers.objects.values())
        leaving = (verdict.cleanup for verdict in verdicts if verdict.cleanup)
        return DesiredState(
            tuple(one for one in wanted if isinstance(one, Broker)),
            tuple(one for one in wanted if isinstance(one, Trigger)),
            (*leaving, *self._remains.of_gone(wanted, there, self._progress)),
        )


def _judge(view: Snapshot) -> Iterator[Reconciliation]:
    """A Trigger that names no Broker here (`brokerRef` may, in another namespace) is somebody else's."""
    ours: dict[Key, Reconciliation] = {
        name: brokers.verdict(item, view) for name, item in view.brokers.items() if is_ours(item)
    }
    yield from ours.values()
    for (namespace, _), item in view.triggers.items():
        broker = (namespace, str(kinds.spec(item).get("broker") or ""))
        if is_leaving(item) or not broker[1] or (broker in view.brokers and broker not in ours):
            yield triggers.without_consumer(item, view)
        else:
            yield triggers.verdict(item, ours.get(broker), view)
