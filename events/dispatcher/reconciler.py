"""Makes JetStream and the running deliveries equal to the desired state, and reports how far that is."""

import asyncio
import logging
from collections.abc import Set as AbstractSet
from contextlib import suppress

import nats.errors

from events.broker.model import Broker, Cleanup, DesiredState, ObservedState, Route
from events.broker.source import DesiredStateSource
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.outcomes import Outcomes
from events.dispatcher.resources import Resources
from events.dispatcher.settings import Settings
from events.runtime.connection import Connection
from events.runtime.tasks import raise_if_cancelled

_log = logging.getLogger(__name__)

_RETRY_DELAY = 0.5  # seconds
_ERROR_DELAY = 5.0  # seconds until what JetStream rejected is tried again
_RECHECK = 15.0  # seconds after which the streams are checked again

Name = tuple[str, str]  # namespace and name of a Broker


class Reconciler:
    """Compares the desired state, which a source yields, with JetStream and with the running deliveries.

    What JetStream rejects for one object stops no other, and is tried again. The source is told the observed state.
    """

    def __init__(
        self, connection: Connection, source: DesiredStateSource, deliveries: Deliveries, settings: Settings
    ) -> None:
        self._source = source
        self._deliveries = deliveries
        self._patience = settings.away
        self._resources = Resources(connection.jetstream(), source, settings.ack_wait)
        self._outcomes = Outcomes(connection.jetstream(), settings.away)
        self._desired: DesiredState | None = None
        self._checked = 0.0
        self._failing_since: float | None = None
        self.brokers: dict[Name, Broker] = {}
        self.ready = False

    def expects(self, name: Name) -> bool:
        """Tell if there is, or may be, a Broker of that namespace and name: also before a desired state is known."""
        return self._desired is None or any((one.namespace, one.name) == name for one in self._desired.brokers)

    def consumers(self, broker: Broker) -> frozenset[str]:
        """Return the names of the consumers that a Broker's log is to have."""
        triggers = self._desired.triggers if self._desired else ()
        names = broker.stream_names
        return frozenset(
            names.consumer(one.name)
            for one in triggers
            if (one.namespace, one.broker) == (broker.namespace, broker.name)
        )

    async def run(self) -> None:
        """Reconcile until cancelled, then drain.

        `ready` is true from when everything that was desired first is in place or rejected, until this is cancelled:
        what is desired later takes no ingress away.
        """
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_reconciling())
                tasks.create_task(self._source.run(self._take))
                tasks.create_task(self._deliveries.watch())
        finally:
            self.ready = False
            await self._deliveries.drain()

    def _take(self, desired: DesiredState) -> None:
        self._desired = desired
        self._deliveries.changed.set()

    async def _keep_reconciling(self) -> None:
        changed, delay = self._deliveries.changed, _RECHECK
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(delay):  # wait_for would swallow a cancellation that comes with the event
                    await changed.wait()
            changed.clear()
            if (desired := self._desired) is not None:
                delay = await self._attempt(desired)
            raise_if_cancelled()

    async def _attempt(self, desired: DesiredState) -> float:
        """Reconcile once and report. Return the seconds until the next attempt."""
        await self._recheck_when_due()
        now = asyncio.get_running_loop().time()
        try:
            await self._reconcile(desired)
            self._failing_since = None
        except nats.errors.Error as error:
            self._failing_since = self._failing_since or now
            _log.warning("JetStream is not available; retrying in 0.5 s", extra={"reason": repr(error)})
        away = self._failing_since is not None and now > self._failing_since + self._patience
        errors, removed = dict(self._outcomes.errors), frozenset(self._resources.removed)
        self._source.observe(ObservedState(errors, removed, away))
        if self._failing_since is not None or not self._outcomes.complete:
            return _RETRY_DELAY
        self.ready = True
        return _ERROR_DELAY if any(errors.values()) else _RECHECK

    async def _recheck_when_due(self) -> None:
        """Have the streams checked again, from time to time and once a consumer is lost."""
        if self._deliveries.lost:
            await asyncio.sleep(_RETRY_DELAY)  # the stream may only be moving to another server
        elif asyncio.get_running_loop().time() <= self._checked + _RECHECK:
            return
        self._resources.ensured.clear()
        self._checked = asyncio.get_running_loop().time()

    async def _reconcile(self, desired: DesiredState) -> None:
        routes = desired.routes()
        self._retain(desired, routes)
        await self._outcomes.attempt(self._resources.remove, frozenset(desired.cleanups) - self._resources.removed)
        unremoved = _names(frozenset(desired.cleanups) - self._resources.removed)
        brokers = {broker for broker in desired.brokers if (broker.stream_names, None) not in unremoved}
        unchecked = brokers - self._resources.ensured
        await self._outcomes.attempt(self._ensure_broker, unchecked)
        await self._outcomes.attempt(self._deliveries.refresh, [one for one in routes if one.broker in unchecked])
        free = {one for one in routes if one.broker in brokers and _name(one) not in unremoved}
        await self._start(free - self._deliveries.routes)
        await self._outcomes.attempt(self._resources.mark_bound, tuple(self._resources.ensured))

    def _retain(self, desired: DesiredState, routes: frozenset[Route]) -> None:
        """Forget what is no longer desired, and stop its deliveries."""
        self._outcomes.retain(routes.union(desired.brokers, desired.cleanups))
        self._resources.retain(desired)
        names = {(broker.namespace, broker.name) for broker in desired.brokers}
        self.brokers = {name: broker for name, broker in self.brokers.items() if name in names}
        for route in self._deliveries.release_all_but(routes):
            self._outcomes.forget(route)

    async def _ensure_broker(self, broker: Broker) -> None:
        await self._resources.ensure_broker(broker)
        self.brokers[broker.namespace, broker.name] = broker

    async def _start(self, routes: AbstractSet[Route]) -> None:
        async def start(route: Route) -> None:
            await self._resources.ensure_trigger(route)
            await self._deliveries.start(route)

        await self._outcomes.attempt(start, routes)
        for route in routes:
            if self._outcomes.errors.get(route):  # the Broker's streams may be what is missing
                self._resources.ensured.discard(route.broker)


def _names(cleanups: frozenset[Cleanup]) -> set[object]:
    return {(cleanup.stream_names, cleanup.trigger) for cleanup in cleanups}


def _name(route: Route) -> object:
    return route.broker.stream_names, route.trigger.name
