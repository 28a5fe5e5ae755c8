"""How far behind each Trigger is, asked of JetStream when the metrics are read."""

import asyncio
import time
from math import nan

import nats.errors
from nats.js import JetStreamContext

from events.broker import backlog
from events.broker.model import Route
from events.dispatcher.deliveries import Deliveries
from events.runtime import metrics

_FRESH = 5.0  # seconds until JetStream is asked again
_PATIENCE = 3.0  # seconds


class Lag:
    """Refreshes the gauges of lag and age, and removes those of deleted Triggers."""

    def __init__(self, jetstream: JetStreamContext, deliveries: Deliveries) -> None:
        self._jetstream = jetstream
        self._deliveries = deliveries
        self._shown: set[metrics.Labels] = set()
        self._due = 0.0

    async def refresh(self) -> None:
        """Set the gauges to figures that are some seconds old at most, NaN where JetStream does not respond."""
        now = asyncio.get_running_loop().time()
        if now < self._due:
            return
        self._due = now + _FRESH
        routes = tuple(self._deliveries.routes)
        shown = {_labels(route) for route in routes}
        for labels in self._shown - shown:
            metrics.forget(labels)
        self._shown = shown
        await asyncio.gather(*(self._measure(route) for route in routes))

    async def _measure(self, route: Route) -> None:
        lag = age = parked = nan
        try:
            async with asyncio.timeout(_PATIENCE):
                name = route.broker.stream_names.consumer(route.trigger.name)
                info = await self._jetstream.consumer_info(route.broker.stream_names.log, name)
                waiting = (info.num_pending or 0) + (info.num_ack_pending or 0)
                parked, parked_age = await self._parked(route)
                lag, age = (
                    waiting + parked,
                    max(await backlog.age(self._jetstream, info) if waiting else 0.0, parked_age),
                )
        except (nats.errors.Error, TimeoutError):
            pass  # the gauges say NaN
        metrics.LAG.labels(*_labels(route)).set(lag)
        metrics.OLDEST.labels(*_labels(route)).set(age)
        metrics.PARKED.labels(*_labels(route)).set(parked)

    async def _parked(self, route: Route) -> tuple[int, float]:
        """Return how many events of a Trigger are parked, and the age of the oldest in seconds."""
        parking = self._deliveries.parking(route)
        if parking is None:
            return 0, 0.0
        await parking.refresh()
        oldest = await parking.oldest()
        return parking.events, max(0.0, time.time() - oldest) if oldest else 0.0


def _labels(route: Route) -> metrics.Labels:
    return route.trigger.namespace, route.broker.name, route.trigger.name
