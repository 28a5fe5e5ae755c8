"""An event loop beside a test."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from tests.eventually import PATIENCE_SECONDS

T = TypeVar("T")


class Loop:
    """An event loop in a thread, so that tests read from top to bottom."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)

    def start(self, work: Coroutine[Any, Any, None]) -> Callable[[], None]:
        """Run `work` beside the test; calling what is returned cancels it and waits for its end."""
        task = asyncio.run_coroutine_threadsafe(_task(work), self._loop).result()

        async def stop() -> None:
            task.cancel()
            await asyncio.wait([task])

        return lambda: self.run(stop())

    def close(self) -> None:
        """End the loop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work)


async def collect(items: AsyncIterator[T]) -> list[T]:
    """Return all items."""
    return [item async for item in items]
