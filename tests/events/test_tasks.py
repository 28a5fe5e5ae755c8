"""A task ends when it is cancelled, also where a library swallowed the cancellation."""

import asyncio
from contextlib import suppress

from events.runtime.tasks import raise_if_cancelled


async def rounds_after_a_swallowed_cancellation(*, guarded: bool) -> int:
    count = 0

    async def work() -> None:
        nonlocal count
        while count < 3:
            with suppress(asyncio.CancelledError):  # as asyncio.wait_for does at an unlucky moment
                await asyncio.sleep(0 if count else 60)
            count += 1
            if guarded:
                raise_if_cancelled()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    return count


def test_a_loop_ends_after_the_round_in_which_it_was_cancelled() -> None:
    assert asyncio.run(rounds_after_a_swallowed_cancellation(guarded=True)) == 1


def test_without_the_guard_it_goes_on() -> None:
    assert asyncio.run(rounds_after_a_swallowed_cancellation(guarded=False)) == 3
