"""Keeps what runs equal to what is wanted: streams, consumers, and a worker for each Trigger."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import nats.errors
from nats.js.errors import APIError, ServiceUnavailableError

from events.broker.consumers import ensure_consumer, mark_bound
from events.broker.model import Broker, Cleanup, DesiredState, ObservedState, Route
from events.broker.source import Source
from events.broker.streams import ensure_streams, owner, probe, remove
from events.dispatcher.pull import Consumer, Pull
from events.dispatcher.subscriber import Subscribers
from events.dispatcher.worker import Worker
from events.runtime.connection import Connection

_log = logging.getLogger(__name__)

_RETRY_DELAY = 0.5  # seconds
_REFUSAL_DELAY = 5.0  # seconds until what JetStream refuses is tried again
_RECHECK = 60.0  # seconds after which it is seen to that the streams are still there
_AT_ONCE = 32  # questions to JetStream
_SETTLING = 60.0  # seconds beyond a delivery's own timeout, for its reply or its dead letter

T = TypeVar("T", Broker, Route, Cleanup)


@dataclass(frozen=True, slots=True)
class Settings:
    """`ack_wait`: seconds after which what a dead bridge had in hand is handed out again.

    `drain`: seconds that deliveries under way may still take when the process is to stop. `linger`: seconds before
    that in which the ingress takes events on, for whoever does not know yet that it is not ready any more.

    `away`: seconds in which NATS does not answer until that is reported. It is asked once in `_RECHECK` seconds.
    """

    ack_wait: float = 10.0
    drain: float = 4.0
    linger: float = 0.0
    away: float = 30.0


class OwnershipUnclearError(Exception):
    """What is missing in JetStream was perhaps removed on purpose."""


class Supervisor:
    """Runs a worker for each Trigger of the desired state that a source yields, and tells the source what is in place.

    Replicas are not equally fast. When streams or a consumer that were in place are missing, or are another object's,
    then another replica may have cleaned up after an object that is wanted here only because this one has not heard
    yet. So before they are made anew, the source makes sure that the object is still there. Until it does, nothing is
    made and the rest goes on: what was lost in earnest while the Kubernetes API is away, waits for it.
    """

    def __init__(self, connection: Connection, subscribers: Subscribers, settings: Settings, source: Source) -> None:
        self._connection = connection
        self._jetstream = connection.jetstream()
        self._subscribers = subscribers
        self._settings = settings
        self._source = source
        self._desired: DesiredState | None = None
        self._brokers: dict[tuple[str, str], Broker] = {}
        self._running: dict[Route, Pull] = {}
        self._leaving: dict[Pull, asyncio.Task[None]] = {}
        self._ensured: set[Broker] = set()
        self._marked: set[Broker] = set()
        self._placed: set[Cleanup] = set()
        self._checked = 0.0
        self._failing: float | None = None
        self._removed: set[Cleanup] = set()
        self._refusals: dict[Broker | Route | Cleanup, str] = {}
        self._silent: dict[Broker | Route | Cleanup, float] = {}
        self._alarm = asyncio.Event()
        self._settled = False

    @property
    def ready(self) -> bool:
        """Whether what runs was what is wanted once: each Trigger's consumer bound, unless JetStream refuses it.

        What is wanted later, and by whomever, takes nobody's ingress away. No longer, once it is to stop.
        """
        return self._settled

    @property
    def brokers(self) -> Mapping[tuple[str, str], Broker]:
        """The Brokers that have streams, by namespace and name."""
        return self._brokers

    def expects(self, name: tuple[str, str]) -> bool:
        """Whether there is, or may be, a Broker of that namespace and name: also before any desired state is known."""
        return self._desired is None or any((one.namespace, one.name) == name for one in self._desired.brokers)

    @property
    def routes(self) -> Iterable[Route]:
        """What is bound."""
        return self._running.keys()

    async def run(self) -> None:
        """Work until cancelled, then drain."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep())
                tasks.create_task(self._source.run(self._take))
        finally:
            await self._drain()

    def _take(self, desired: DesiredState) -> None:
        self._desired = desired
        self._alarm.set()

    async def _keep(self) -> None:
        patience = _RECHECK
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):  # wait_for would swallow a cancellation that comes with the alarm
                    await self._alarm.wait()
            self._alarm.clear()
            if (desired := self._desired) is not None:
                done = await self._attempt(desired)
                self._settled = self._settled or done
                patience = _RETRY_DELAY if not done else _REFUSAL_DELAY if any(self._refusals.values()) else _RECHECK

    async def _attempt(self, desired: DesiredState) -> bool:
        """Whether it could be said of everything that it is in place or refused."""
        lost = any(pull.lost for pull in self._running.values())
        if lost:
            await asyncio.sleep(_RETRY_DELAY)  # the stream may only be on its way to another server
        now = asyncio.get_running_loop().time()
        if lost or now > self._checked + _RECHECK:
            self._ensured.clear()
            self._checked = now
        try:
            await self._reconcile(desired)
            self._failing = None
        except nats.errors.Error as error:
            self._failing = self._failing or now
            _log.warning("JetStream is not ready, trying on", extra={"reason": repr(error)})
        away = self._failing is not None and now > self._failing + self._settings.away
        self._source.observe(ObservedState(dict(self._refusals), frozenset(self._removed), away))
        return self._failing is None and all(self._refusals.get(what) for what in self._silent)

    async def _reconcile(self, desired: DesiredState) -> None:
        wanted = desired.routes()
        self._forget(desired, wanted)
        self._release([route for route, pull in self._running.items() if route not in wanted or pull.lost])
        await self._each(self._remove, frozenset(desired.cleanups) - self._removed)
        left = {(cleanup.stream_names, cleanup.trigger) for cleanup in frozenset(desired.cleanups) - self._removed}
        brokers = {broker for broker in desired.brokers if (broker.stream_names, None) not in left}
        await self._each(self._ensure, brokers - self._ensured)
        routes = {
            one for one in wanted if one.broker in brokers and (one.broker.stream_names, one.trigger.name) not in left
        }
        await self._each(self._start, routes - self._running.keys())
        await self._each(self._mark, self._ensured - self._marked)

    def _forget(self, desired: DesiredState, wanted: frozenset[Route]) -> None:
        """What was known of what is no longer wanted."""
        known = wanted.union(desired.brokers, desired.cleanups)
        names = {(broker.namespace, broker.name) for broker in desired.brokers}
        self._refusals = {what: word for what, word in self._refusals.items() if what in known}
        self._silent = {what: since for what, since in self._silent.items() if what in known}
        self._brokers = {name: broker for name, broker in self._brokers.items() if name in names}
        self._removed.intersection_update(desired.cleanups)
        self._ensured.intersection_update(desired.brokers)
        self._marked.intersection_update(desired.brokers)
        self._placed &= {broker.cleanup for broker in desired.brokers} | {one.cleanup for one in desired.triggers}

    async def _each(self, work: Callable[[T], Awaitable[None]], those: Iterable[T]) -> None:
        """Many at once: a stream whose server is down is waited for in vain, which holds up few others."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def take_turn(what: T) -> None:
            async with slots:
                await self._try(work, what)

        tasks = [asyncio.create_task(take_turn(one)) for one in those]
        try:  # no TaskGroup: before Python 3.13 it may swallow a cancellation that comes with a failure
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _try(self, work: Callable[[T], Awaitable[None]], what: T) -> None:
        """What JetStream refuses to one Broker or Trigger, or does not answer, stops no other."""
        try:
            await work(what)
        except (nats.errors.TimeoutError, ServiceUnavailableError):
            await probe(self._jetstream)
            self._hear_nothing(what)
        except (APIError, OwnershipUnclearError) as error:
            self._refuse(what, str(getattr(error, "description", None) or error))
        except nats.errors.Error:
            raise
        except Exception as error:  # noqa: BLE001 whatever it is about this one, the others are served
            self._refuse(what, repr(error))
        else:
            self._silent.pop(what, None)
            self._refusals[what] = ""

    def _hear_nothing(self, what: Broker | Route | Cleanup) -> None:
        """What lasts is as good as a refusal; for some seconds, servers may only be choosing which of them leads."""
        now = asyncio.get_running_loop().time()
        if what not in self._silent:
            _log.warning("JetStream does not answer for it", extra={"what": str(what)})
        if now > self._silent.setdefault(what, now) + self._settings.away:
            self._refuse(what, "JetStream does not answer for it.")

    def _refuse(self, what: Broker | Route | Cleanup, reason: str) -> None:
        _log.error("refused", extra={"what": str(what), "reason": reason})
        self._refusals[what] = reason
        if isinstance(what, Route):
            self._ensured.discard(what.broker)  # its streams may be what is missing

    async def _remove(self, cleanup: Cleanup) -> None:
        await remove(self._jetstream, cleanup)
        self._removed.add(cleanup)

    async def _confirm(self, cleanup: Cleanup) -> None:
        """Raises OwnershipUnclearError unless its object may have something in JetStream."""
        found = await owner(self._jetstream, cleanup)
        is_clear = cleanup not in self._placed if found is None else found == cleanup.uid
        if not is_clear and not await self._source.has(cleanup):
            raise OwnershipUnclearError(
                "It is gone from JetStream, and nobody knows whether the object is still there."
            )

    async def _ensure(self, broker: Broker) -> None:
        await self._confirm(broker.cleanup)
        await ensure_streams(self._jetstream, broker)
        self._placed.add(broker.cleanup)
        self._ensured.add(broker)
        self._brokers[broker.namespace, broker.name] = broker

    async def _mark(self, broker: Broker) -> None:
        await mark_bound(self._jetstream, broker)
        self._marked.add(broker)

    async def _start(self, route: Route) -> None:
        stream_names = route.broker.stream_names
        await self._confirm(route.trigger.cleanup)
        await ensure_consumer(self._jetstream, route.trigger, route.broker, self._settings.ack_wait)
        self._placed.add(route.trigger.cleanup)
        worker = Worker(route.trigger, route.broker, self._connection, self._subscribers)
        name, slots = stream_names.consumer(route.trigger.name), route.trigger.concurrency
        consumer = Consumer(stream_names.log, name, slots, self._settings.ack_wait)
        pull = Pull(self._connection, consumer, worker.handle, self._alarm)
        try:
            await pull.start()
        except BaseException:
            await pull.stop(0)
            raise
        self._running[route] = pull
        _log.info("trigger is bound", extra={"trigger": route.trigger.name, "subscriber": route.trigger.subscriber.url})

    def _release(self, routes: Iterable[Route]) -> None:
        """Take no more for these; what they have in hand ends in its own time, while others take over."""
        for route in routes:
            pull = self._running.pop(route)
            self._refusals.pop(route, None)
            delivery = route.trigger.delivery or route.broker.delivery
            self._leaving[pull] = asyncio.create_task(self._let_go(pull, delivery.timeout + _SETTLING))

    async def _let_go(self, pull: Pull, patience: float) -> None:
        await pull.stop(patience)
        del self._leaving[pull]

    async def _drain(self) -> None:
        self._settled = False
        pulls = [*self._running.values(), *self._leaving]
        self._running.clear()
        await asyncio.gather(*(pull.stop(self._settings.drain) for pull in pulls))
