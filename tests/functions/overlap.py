"""Makes two transactions overlap for certain, in the order that a test wants."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

import pytest

from tests.functions.harness import Function, process

Result = TypeVar("Result")
DEADLINE_SECONDS = 60


@contextmanager
def stopped_once_before(module: ModuleType, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Stop the first call of a function just before it, telling of it, until it may go on; later calls pass."""
    call = getattr(module, name)
    reached, may_go_on = threading.Event(), threading.Event()

    def stop(*arguments: object, **named: object) -> object:
        if not reached.is_set():
            reached.set()
            assert may_go_on.wait(DEADLINE_SECONDS)
        return call(*arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, stop)
        yield reached, may_go_on


def overtake(
    function: Function,
    slow: Callable[[], Result],
    fast: Callable[[], Result],
    where: tuple[ModuleType, str],
) -> tuple[Result, Result]:
    """Start `slow`, which stops before calling `where`; do `fast` from beginning to end; let `slow` go on."""
    with process(function.environment), ThreadPoolExecutor(1) as pool, stopped_once_before(*where) as events:
        reached, may_go_on = events
        slowly = pool.submit(slow)
        try:
            assert reached.wait(DEADLINE_SECONDS)
            quickly = fast()
        finally:
            may_go_on.set()
        return slowly.result(), quickly
