"""Waiting for the effects of events."""

import time
from collections.abc import Callable

SOON_SECONDS = 20


class UnexpectedError(Exception):
    """The stack did not do what the walk-through expects."""


def wait_until(condition: Callable[[], bool], patience: float = SOON_SECONDS) -> None:
    """Return as soon as the condition holds.

    Raises:
        UnexpectedError: it does not hold within `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise UnexpectedError(f"the expected state was not reached within {patience:.0f} s")
        time.sleep(0.1)
