"""Background tasks that cannot fail unnoticed."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Tasks that run beside their owner; the first failure among them is raised by `watch`.

    A TaskGroup would end all of them with its own cancellation, where owners still let them finish.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` as a task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)
        return task

    async def watch(self) -> None:
        """Wait for the first failure of a task, and raise it. A process awaits this in its group of tasks."""
        await self._failed.wait()
        raise self._failure or RuntimeError("a background task failed")

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._failed.set()


def raise_if_cancelled() -> None:
    """Raise CancelledError if the current task was cancelled and goes on all the same.

    asyncio.wait_for, by which nats-py waits, returns normally on Python 3.11 if what it waits for is done at the moment
    of a cancellation (https://github.com/python/cpython/issues/86296). A loop of requests would then never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
