"""The deliveries that run: one for each Trigger that has a consumer."""

import asyncio
import logging
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from events.broker.model import Route
from events.dispatcher.parking import Parking
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from events.dispatcher.subscription import Shared, Subscription
from events.runtime.connection import Connection
from events.runtime.tasks import Background

_log = logging.getLogger(__name__)

_SETTLING = 60.0  # seconds beyond a delivery's own timeout, for its reply or its dead letter


class Deliveries:
    """Subscriptions, one for each route, and those that finish what they began.

    `changed` is set when one has lost its consumer; other parts set it too, to run the reconciler.
    """

    def __init__(self, connection: Connection, subscribers: Subscribers, settings: Settings) -> None:
        self.changed = asyncio.Event()
        self._background = Background()
        self._shared = Shared(connection, subscribers, settings.ack_wait, self.changed, self._background)
        self._drain = settings.drain
        self._running: dict[Route, Subscription] = {}
        self._stopping: dict[Subscription, asyncio.Task[None]] = {}

    @property
    def routes(self) -> AbstractSet[Route]:
        """The routes that are delivered to."""
        return self._running.keys()

    @property
    def lost(self) -> bool:
        """Tell if a subscription has lost its consumer."""
        return any(one.lost for one in self._running.values())

    def parking(self, route: Route) -> Parking | None:
        """Return the parked events of a route that is delivered to."""
        subscription = self._running.get(route)
        return subscription.parking if subscription else None

    async def watch(self) -> None:
        """Wait until a background task fails, and raise its error."""
        await self._background.watch()

    async def start(self, route: Route) -> None:
        """Deliver what a Trigger's consumer hands out. Raises nats.errors.Error."""
        subscription = Subscription(route, self._shared)
        await subscription.start()
        self._running[route] = subscription
        fields = {"trigger": route.trigger.name, "subscriber": route.trigger.subscriber.redacted}
        _log.info("Trigger subscribed to its JetStream consumer", extra=fields)

    async def refresh(self, route: Route) -> None:
        """Look for parked events, which another replica may have left. Raises nats.errors.Error."""
        if route in self._running:
            await self._running[route].parking.refresh()

    def release_all_but(self, routes: AbstractSet[Route]) -> Iterable[Route]:
        """Stop deliveries of other routes and those that lost their consumer; return what is stopped.

        What they have in hand is finished in the background, while others may take over.
        """
        released = [route for route, one in self._running.items() if route not in routes or one.lost]
        for route in released:
            delivery = route.trigger.delivery or route.broker.delivery
            subscription = self._running.pop(route)
            patience = delivery.timeout + _SETTLING
            self._stopping[subscription] = self._background.start(self._finish(subscription, patience))
        return released

    async def _finish(self, subscription: Subscription, patience: float) -> None:
        await subscription.stop(patience)
        del self._stopping[subscription]

    async def drain(self) -> None:
        """Stop all, and let what is under way finish within the time for it."""
        subscriptions = [*self._running.values(), *self._stopping]
        self._running.clear()
        await asyncio.gather(*(one.stop(self._drain) for one in subscriptions))
