"""The streams of Brokers and the consumers of Triggers, as far as this process has created or checked them."""

from nats.js import JetStreamContext

from events.broker.consumers import ensure_consumer, mark_bound
from events.broker.model import Broker, Cleanup, DesiredState, Route
from events.broker.parking import remove_parking
from events.broker.source import DesiredStateSource
from events.broker.streams import ensure_streams, owner, remove
from events.dispatcher.outcomes import OwnershipUnclearError


class Resources:
    """Creates, updates and removes them in JetStream; each method raises nats.errors.Error.

    Replicas are not equally fast. When streams or a consumer that existed are missing, or belong to another object,
    another replica may have cleaned up after an object that is wanted here only because its deletion is not known here
    yet. So before they are created again, the source must confirm that the object still exists; until then these
    methods raise OwnershipUnclearError.
    """

    def __init__(self, jetstream: JetStreamContext, source: DesiredStateSource, ack_wait: float) -> None:
        self._jetstream = jetstream
        self._source = source
        self._ack_wait = ack_wait
        self._created: set[Cleanup] = set()
        self._bound: set[Broker] = set()
        self.ensured: set[Broker] = set()
        self.removed: set[Cleanup] = set()

    def retain(self, desired: DesiredState) -> None:
        """Forget what is no longer desired."""
        self.removed.intersection_update(desired.cleanups)
        self.ensured.intersection_update(desired.brokers)
        self._bound.intersection_update(desired.brokers)
        self._created &= {broker.cleanup for broker in desired.brokers} | {one.cleanup for one in desired.triggers}

    async def ensure_broker(self, broker: Broker) -> None:
        """Create or update a Broker's streams."""
        await self._confirm(broker.cleanup)
        await ensure_streams(self._jetstream, broker)
        self._created.add(broker.cleanup)
        self.ensured.add(broker)

    async def ensure_trigger(self, route: Route) -> None:
        """Create or update a Trigger's consumer."""
        await self._confirm(route.trigger.cleanup)
        await ensure_consumer(self._jetstream, route.trigger, route.broker, self._ack_wait)
        self._created.add(route.trigger.cleanup)

    async def mark_bound(self, broker: Broker) -> None:
        """Mark a Broker's log as one that has had its first consumers."""
        if broker not in self._bound:
            await mark_bound(self._jetstream, broker)
            self._bound.add(broker)

    async def remove(self, cleanup: Cleanup) -> None:
        """Remove what a deleted object left."""
        await remove_parking(self._jetstream, cleanup)
        await remove(self._jetstream, cleanup)
        self.removed.add(cleanup)

    async def _confirm(self, cleanup: Cleanup) -> None:
        found = await owner(self._jetstream, cleanup)
        is_clear = cleanup not in self._created if found is None else found == cleanup.uid
        if not is_clear and not await self._source.has(cleanup):
            raise OwnershipUnclearError("It is missing in JetStream, and the object could not be confirmed to exist.")
