"""Run a process until it is is_stopping to stop."""

import asyncio
import signal
from collections.abc import Coroutine

import uvloop


def run(work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends, or cancel it on SIGTERM or SIGINT and wait for its cleanup."""
    uvloop.run(_until_stopped(work))


async def _until_stopped(work: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(work)
    is_stopping = False

    def stop() -> None:
        nonlocal is_stopping
        is_stopping = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not is_stopping:
            raise
