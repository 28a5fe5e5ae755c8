"""How each Trigger is doing."""

import asyncio
from datetime import UTC, datetime

from msgspec import Struct, structs
from nats.js import JetStreamContext
from nats.js.api import ConsumerInfo
from nats.js.errors import NotFoundError

from events.broker import backlog
from events.broker.consumers import all_consumers
from events.broker.model import Route
from events.broker.subjects import StreamNames
from events.catalogue import TYPE_PREFIX
from events.console.rates import Rates
from events.console.wiring import Wiring


class TriggerState(Struct, rename="camel", frozen=True):
    """A Trigger and its figures: `rate` in events a second, `oldest` in seconds, the others in events.

    `backlog` counts what is not delivered yet, `under_way` and `parked` included. `types` is None where any type may
    match. Figures are None where JetStream has no consumer of it.
    """

    name: str
    subscriber: str
    types: list[str] | None
    filter: str
    concurrency: int
    retry: int
    backlog: int | None = None
    under_way: int | None = None
    redelivered: int | None = None
    parked: int = 0
    dead: int = 0
    rate: float | None = None
    oldest: float = 0.0


class TriggerStates:
    """Reads the states of all Triggers of a Broker."""

    def __init__(self, jetstream: JetStreamContext, names: StreamNames, wiring: Wiring) -> None:
        self._jetstream = jetstream
        self._names = names
        self._wiring = wiring
        self._rates = Rates()

    async def read(self, dead: dict[str, int]) -> list[TriggerState]:
        """Return the state of each Trigger; `dead` counts dead letters by subject. Raises nats.errors.Error."""
        consumers = {one.name: one for one in await all_consumers(self._jetstream, self._names.log)}
        routes = list(self._wiring.routes.values())
        return list(await asyncio.gather(*(self._state(route, consumers, dead) for route in routes)))

    async def _state(self, route: Route, consumers: dict[str, ConsumerInfo], dead: dict[str, int]) -> TriggerState:
        trigger, delivery = route.trigger, route.trigger.delivery or route.broker.delivery
        consumer = consumers.get(self._names.consumer(trigger.name))
        parked, parked_age = await self._parked(trigger.name)
        types = trigger.filter.types
        state = TriggerState(
            name=trigger.name,
            subscriber=repr(trigger.subscriber),
            types=None if types is None else sorted(one.removeprefix(TYPE_PREFIX) for one in types),
            filter=trigger.filter.spec,
            concurrency=trigger.concurrency,
            retry=delivery.retries.retry,
            parked=parked,
            dead=dead.get(self._names.dead_letter(trigger.name), 0),
            oldest=parked_age,
        )
        return state if consumer is None else await self._with_figures(state, consumer)

    async def _with_figures(self, state: TriggerState, consumer: ConsumerInfo) -> TriggerState:
        under_way = consumer.num_ack_pending or 0
        waiting = (consumer.num_pending or 0) + under_way
        age = await backlog.age(self._jetstream, consumer) if waiting else 0.0
        acknowledged = consumer.ack_floor.consumer_seq if consumer.ack_floor else 0
        return structs.replace(
            state,
            backlog=waiting + state.parked,
            under_way=under_way,
            redelivered=consumer.num_redelivered,
            rate=self._rates.of(state.name, acknowledged),
            oldest=max(age, state.oldest),
        )

    async def _parked(self, trigger: str) -> tuple[int, float]:
        """Return how many events of a Trigger are parked, and the seconds since the oldest was."""
        try:
            state = (await self._jetstream.stream_info(self._names.parked_stream(trigger))).state
            if not state.messages:
                return 0, 0.0
            first = await self._jetstream.get_msg(self._names.parked_stream(trigger), state.first_seq)
        except NotFoundError:
            return 0, 0.0
        return state.messages, (datetime.now(UTC) - first.time).total_seconds() if first.time else 0.0
