"""What JetStream last said about each Broker, Trigger and cleanup."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import TypeVar

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import APIError, ServiceUnavailableError

from events.broker.model import Broker, Cleanup, Route
from events.broker.streams import probe

_log = logging.getLogger(__name__)

_AT_ONCE = 32  # requests to JetStream

Item = Broker | Route | Cleanup
T = TypeVar("T", Broker, Route, Cleanup)


class OwnershipUnclearError(Exception):
    """What is missing in JetStream may have been removed on purpose."""


class Outcomes:
    """Runs work for many items and isolates their failures.

    `errors` has a text for each item that was tried: why JetStream rejected it, or "" if it succeeded. An item without
    a response is an error only after `patience` seconds: servers may be electing a leader.
    """

    def __init__(self, jetstream: JetStreamContext, patience: float) -> None:
        self._jetstream = jetstream
        self._patience = patience
        self._silent: dict[Item, float] = {}
        self.errors: dict[Item, str] = {}

    @property
    def complete(self) -> bool:
        """Tell if every item that was tried succeeded or is known to fail."""
        return all(self.errors.get(item) for item in self._silent)

    def retain(self, items: AbstractSet[Item]) -> None:
        """Forget all other items."""
        self.errors = {item: error for item, error in self.errors.items() if item in items}
        self._silent = {item: since for item, since in self._silent.items() if item in items}

    def forget(self, item: Item) -> None:
        """Forget one item, as if it had not been tried."""
        self.errors.pop(item, None)

    async def attempt(self, work: Callable[[T], Awaitable[None]], items: Iterable[T]) -> None:
        """Run `work` for each item, many at once: a stream whose server is down delays few others.

        Raises nats.errors.Error if JetStream as a whole cannot be reached.
        """
        slots = asyncio.Semaphore(_AT_ONCE)

        async def take_turn(item: T) -> None:
            async with slots:
                await self._attempt_one(work, item)

        tasks = [asyncio.create_task(take_turn(item)) for item in items]
        try:  # a TaskGroup may swallow a cancellation that comes with a failure, before Python 3.13
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _attempt_one(self, work: Callable[[T], Awaitable[None]], item: T) -> None:
        try:
            await work(item)
        except (nats.errors.TimeoutError, ServiceUnavailableError):
            await probe(self._jetstream)
            self._note_silence(item)
        except (APIError, OwnershipUnclearError) as error:
            self._reject(item, str(getattr(error, "description", None) or error))
        except nats.errors.Error:
            raise
        except Exception as error:  # noqa: BLE001 a fault in one object must not stop the others
            self._reject(item, repr(error))
        else:
            self._silent.pop(item, None)
            self.errors[item] = ""

    def _note_silence(self, item: Item) -> None:
        now = asyncio.get_running_loop().time()
        if item not in self._silent:
            _log.warning("no JetStream response for this object; retrying", extra={"object": str(item)})
        if now > self._silent.setdefault(item, now) + self._patience:
            self._reject(item, "No JetStream response for this object; retrying.")

    def _reject(self, item: Item, reason: str) -> None:
        _log.error("reconcile failed; retrying in 5 s", extra={"object": str(item), "reason": reason})
        self.errors[item] = reason
