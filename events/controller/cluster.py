"""Brokers and Triggers of a cluster: the desired state that they declare, and their status."""

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
from events.controller.lease import Lease
from events.controller.orphans import Orphans
from events.controller.references import References
from events.controller.snapshot import Reconciliation, Snapshot, is_deleted
from events.controller.status_writer import StatusWriter

_log = logging.getLogger(__name__)

_DEBOUNCE = 0.02  # seconds in which changes are batched


def connect(ingress_url: str, domain: str, *, use_finalizers: bool) -> "Cluster":
    """Return the cluster that this process runs in, or else that of KUBECONFIG."""
    return Cluster(client(), ingress_url, domain, use_finalizers=use_finalizers)


class Cluster:
    """A source of desired state. Brokers report their address as `<ingress_url>/<namespace>/<name>`.

    Kubernetes Services have names in `domain`. Brokers and Triggers get a finalizer with `use_finalizers`.

    Any number of replicas may run at once: each delivers, and the one that holds the Lease writes status and
    finalizers.

    A process that starts while the Kubernetes API is down delivers nothing until it is back: the desired state is
    stored nowhere else. Once it is known, the API may be down.
    """

    def __init__(self, client: AsyncClient, ingress_url: str, domain: str, *, use_finalizers: bool) -> None:
        self._client = client
        self._ingress_url = ingress_url.rstrip("/")
        self._use_finalizers = use_finalizers
        self._changed = asyncio.Event()
        self._brokers = Informer(client, BROKER, self._changed.set)
        self._triggers = Informer(client, TRIGGER, self._changed.set)
        self._references = References(client, self._changed.set, domain)
        self._filters = FilterCache()
        self._lease = Lease(client)
        self._status_writer = StatusWriter(client, self._lease.leading)
        self._orphans = Orphans()
        self._observed_state = ObservedState()

    def observe(self, observed_state: ObservedState) -> None:
        """Take note of the observed state, and report it."""
        if observed_state != self._observed_state:
            self._observed_state = observed_state
            self._changed.set()

    async def has(self, cleanup: Cleanup) -> bool:
        """Ask the API if a cleanup's object exists and is not deleted; False if the API does not say so."""
        kind, name = (BROKER, cleanup.stream_names.broker) if cleanup.trigger is None else (TRIGGER, cleanup.trigger)
        try:
            item = await self._client.get(kind, name, namespace=cleanup.stream_names.namespace)
            return item["metadata"]["uid"] == cleanup.uid and not is_deleted(item)
        except Exception as error:  # noqa: BLE001 any response but the object
            fields = {"kind": kind.__name__, "object": name, "reason": repr(error)}
            _log.warning("object could not be confirmed to exist; nothing is created for it", extra=fields)
            return False

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Give `take` the desired state, once it is known as a whole, and write status until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in (self._brokers, self._triggers, self._references, self._lease, self._status_writer):
                    tasks.create_task(part.run())
                await self._keep_reconciling(take)
        finally:
            await self._client.close()

    async def _keep_reconciling(self, take: Callable[[DesiredState], None]) -> None:
        """Reconcile all objects whenever something changes, once both kinds are listed."""
        last: DesiredState | None = None
        while True:
            await self._changed.wait()
            await asyncio.sleep(_DEBOUNCE)
            self._changed.clear()
            if self._brokers.synced and self._triggers.synced:
                with self._references.tracking():
                    reconciliations = list(_reconcile(self._snapshot()))
                self._filters.retain(self._triggers.objects.values())
                desired = self._desired_state(reconciliations)
                if desired != last and (last or not self._references.pending):
                    last = desired
                    take(desired)
                self._status_writer.submit(reconciliations)

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            self._brokers.objects,
            self._triggers.objects,
            self._references,
            self._filters,
            self._observed_state,
            self._ingress_url,
            self._use_finalizers,
        )

    def _desired_state(self, reconciliations: list[Reconciliation]) -> DesiredState:
        desired = [one.desired for one in reconciliations if one.desired]
        existing = chain(self._brokers.objects.values(), self._triggers.objects.values())
        cleanups = (one.cleanup for one in reconciliations if one.cleanup)
        return DesiredState(
            tuple(one for one in desired if isinstance(one, Broker)),
            tuple(one for one in desired if isinstance(one, Trigger)),
            (*cleanups, *self._orphans.cleanups(desired, existing, self._observed_state)),
        )


def _reconcile(snapshot: Snapshot) -> Iterator[Reconciliation]:
    """Reconcile every object of ours.

    A Trigger without a Broker of its own namespace belongs to another controller (`brokerRef` may name one elsewhere).
    """
    ours: dict[Key, Reconciliation] = {
        name: brokers.reconcile(item, snapshot) for name, item in snapshot.brokers.items() if is_ours(item)
    }
    yield from ours.values()
    for (namespace, _), item in snapshot.triggers.items():
        broker = (namespace, str(kinds.spec(item).get("broker") or ""))
        if is_deleted(item) or not broker[1] or (broker in snapshot.brokers and broker not in ours):
            yield triggers.reconcile_without_consumer(item, snapshot)
        else:
            yield triggers.reconcile(item, ours.get(broker), snapshot)
