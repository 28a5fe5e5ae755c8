"""A process that works until it is told to stop."""

import asyncio
import signal
from collections.abc import Coroutine

import uvloop


def run(work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends, or cancel it on SIGTERM or SIGINT; what it then still does is its own drain."""
    uvloop.run(_until_told(work))


async def _until_told(work: Coroutine[None, None, None]) -> None:
    task = asyncio.ensure_future(work)
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
