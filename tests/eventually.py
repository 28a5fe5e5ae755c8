"""Waiting for what happens soon, but not at once."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 120  # far beyond what it takes, so that only what never happens fails


def eventually(condition: Callable[[], bool], patience: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds; fail if it does not within the patience."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
