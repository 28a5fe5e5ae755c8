"""Replay or purge many dead letters, one by one, at a bounded rate; what the command and the console do alike."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

import nats.errors
from nats.js.errors import NotFoundError

from events.deadletters.store import DeadLetter, DeadLetters, UnboundTriggerError
from events.runtime.publisher import MessageRejectedError

Action = Literal["replay", "purge"]


class BatchError(Exception):
    """A batch ended early; the text says at which dead letter, why, and how many are done."""


class Batch:
    """The dead letters of these numbers. Those that are added meanwhile, perhaps the same events again, are left.

    `rate` is how many are handled a second at most, None without a bound; `done` counts those that are.
    """

    def __init__(self, letters: DeadLetters, action: Action, numbers: Sequence[int], rate: float | None = None) -> None:
        self.action = action
        self.numbers = numbers
        self.done = 0
        self._letters = letters
        self._pause = 1 / rate if rate else 0.0

    async def run(self) -> AsyncIterator[DeadLetter]:
        """Handle one after the other, and yield each. Raises BatchError at the first failure."""
        for number in self.numbers:
            if self.done and self._pause:
                await asyncio.sleep(self._pause)
            try:
                letter = await self._handle(number)
            except NotFoundError as error:
                raise BatchError(f"dead letter {number} does not exist; {self.progress}") from error
            except (UnboundTriggerError, MessageRejectedError, nats.errors.Error) as error:
                raise BatchError(f"dead letter {number} is kept: {error}; {self.progress}") from error
            self.done += 1
            yield letter

    @property
    def progress(self) -> str:
        """How many are done, and how many are not."""
        return f"{self.done} done, {len(self.numbers) - self.done} not done"

    async def _handle(self, number: int) -> DeadLetter:
        if self.action == "replay":
            return await self._letters.replay(number)
        letter = await self._letters.show(number)
        await self._letters.remove(number)
        return letter
