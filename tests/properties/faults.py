"""What can happen to a function in the middle of its work."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

import pytest

from functions.shared.storage.transaction import Transaction
from tests.functions.overlap import DEADLINE_SECONDS, stopped_once_before

First = TypeVar("First")
Second = TypeVar("Second")


@contextmanager
def death_before_commit(commits: int = 0) -> Iterator[None]:
    """Functions die with everything written and their transaction open, after so many that went well."""
    send, ahead = Transaction.send, iter(range(commits))

    def send_and_die(transaction: Transaction) -> None:
        send(transaction)
        if transaction.writes and next(ahead, None) is None:
            raise RuntimeError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "send", send_and_die)
        yield


def overlap(
    slow: Callable[[], First], fast: Callable[[], Second], where: tuple[ModuleType, str]
) -> tuple[First, Second]:
    """Start `slow`, which stops before it calls `where`, if it does; do all of `fast`; let `slow` go on."""
    with ThreadPoolExecutor(1) as pool, stopped_once_before(*where) as (reached, may_go_on):
        slowly = pool.submit(slow)
        slowly.add_done_callback(lambda _: reached.set())
        try:
            assert reached.wait(DEADLINE_SECONDS)
            quickly = fast()
        finally:
            may_go_on.set()
        return slowly.result(), quickly
