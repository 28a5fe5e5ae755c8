"""Handles the messages of one Trigger: each ends in an acknowledgement, a delayed redelivery or a parked event."""

import asyncio
import logging
import time
from contextlib import suppress

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from events.broker.model import Route
from events.broker.nats_binding import MessageInfo
from events.cloudevents.errors import MalformedEventError
from events.dispatcher.failures import Failures, log_fields
from events.dispatcher.parking import Parking, read_parked
from events.dispatcher.processor import Processor
from events.dispatcher.subscriber import Subscribers
from events.runtime import metrics

_log = logging.getLogger(__name__)

_ACK = b"+ACK"
_DOWN = "the subscriber has accepted none of the last deliveries"


class Worker:
    """Handles the messages of the log and the parked ones, together as many at once as the Trigger's concurrency."""

    def __init__(self, route: Route, connection: Client, subscribers: Subscribers, parking: Parking) -> None:
        trigger, broker = route.trigger, route.broker
        counts = metrics.of_trigger((trigger.namespace, broker.name, trigger.name))
        self._name = trigger.name
        self._connection = connection
        self._parking = parking
        self._slots = asyncio.Semaphore(trigger.concurrency)
        self._failures = Failures(route, connection, subscribers, counts)
        self._processor = Processor(route, connection, subscribers, self._failures, counts)

    async def handle(self, message: Msg) -> None:
        """Deliver the event of a message in the log and tell JetStream the outcome.

        An event is acknowledged only once it is delivered or stored elsewhere, parked for instance. While the
        subscriber is down, it is parked first: a subscriber that does not respond would take only so many from the log
        in each timeout.
        """
        info = MessageInfo.of(message)
        if self._failures.subscriber_is_down and await self._parking.park(message, info, 0, time.time(), _DOWN):
            await self._respond(message, None)
            return
        delay = await self._attempt(message, info)
        if delay is not None:
            attempts = self._failures.attempts
            failures, reason = attempts.failures(info.sequence), attempts.last_error(info.sequence)
            delay = None if await self._parking.park_for(delay, message, info, failures, reason) else delay
        await self._respond(message, delay)

    async def handle_parked(self, message: Msg) -> None:
        """Deliver a parked event once it is due and tell JetStream the outcome."""
        try:
            parked = read_parked(message)
        except (KeyError, ValueError) as error:
            await self._settle_foreign(message, error)
            return
        wait = parked.until - time.time()
        if wait > 0:
            await self._respond(message, wait)
            return
        self._failures.attempts.resume(parked.info.sequence, parked.failures)
        delay = await self._attempt(parked.message, parked.info)
        await self._respond(message, delay)
        if delay is None:
            self._parking.settle(parked)

    async def _settle_foreign(self, message: Msg, error: Exception) -> None:
        """Dead-letter a message that another client has published among the parked events."""
        with suppress(nats.errors.Error):  # JetStream redelivers what is not acknowledged
            reason = MalformedEventError(f"message is not a parked event: {error!r}")
            await self._failures.dead_letter_malformed(message, MessageInfo.of(message), reason)
            await self._respond(message, None)

    async def _attempt(self, message: Msg, info: MessageInfo) -> float | None:
        """Return the seconds until the next attempt, None if there is to be none. Never fails."""
        try:
            async with self._slots:
                return await self._processor.process(message, info)
        except nats.errors.Error as error:
            about = log_fields(self._name, info, str(error))
            _log.warning("processing the event failed in the bridge; retry scheduled", extra=about)
        except Exception:  # noqa: BLE001 a fault of ours must neither lose the event nor stop the others
            about = log_fields(self._name, info, "see exception")
            _log.exception("processing the event failed in the bridge; retry scheduled", extra=about)
        return self._failures.retry_delay(info)

    async def _respond(self, message: Msg, delay: float | None) -> None:
        """Acknowledge a message, or have it redelivered after `delay` seconds."""
        with suppress(nats.errors.Error):  # JetStream redelivers what is not acknowledged
            await self._connection.publish(message.reply, _ACK if delay is None else _nak(delay))


def _nak(seconds: float) -> bytes:
    return b'-NAK {"delay": %d}' % int(seconds * 1_000_000_000)
