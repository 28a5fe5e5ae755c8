"""What other buyers notice while a few clients ask for orders of tickets that do not exist, as fast as they can."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Event, Process, SimpleQueue
from multiprocessing.queues import SimpleQueue as Answers
from multiprocessing.synchronize import Event as EventType
from pathlib import Path

import aiohttp
from bson import ObjectId

from tests.bench import load, reserving
from tests.bench.marketplace import Market
from tests.e2e.stack import Stack, running

CLIENTS = 8
RATE, SECONDS = 10, 20
LIMITS = {"ORDER_INTERVAL_MILLISECONDS": "200"}  # as in knative/; other tests have none
FLOODS: dict[str, Callable[[], str]] = {
    "random ids": lambda: secrets.token_hex(12),
    "new ids": lambda: str(ObjectId()),
}


def measure(folder: Path) -> None:
    """Print the median time of an order at a steady rate, alone and beside each flood, with and without rate limits."""
    print(f"## {RATE} orders a second, beside {CLIENTS} clients in a loop")
    for name, limits in (("rate limits", LIMITS), ("no rate limits", {})):
        with running(folder / name.replace(" ", "-"), None, **limits) as stack:
            market = Market(stack)
            market.take(market.orders(RATE * 5), rate=RATE)  # connections and caches are warm then
            alone = _median(market)
            print(f"{name}: p50 alone {alone * 1000:.0f} ms")
            for kind in FLOODS:
                with _flood(stack, kind) as answered:
                    beside = _median(market)
                print(f"  beside {kind}: p50 {beside * 1000:.0f} ms, x{beside / alone:.1f}; they got {answered.get()}")


def _median(market: Market) -> float:
    return load.percentile(market.take(market.orders(RATE * SECONDS), rate=RATE).latencies, 0.5)


@contextmanager
def _flood(stack: Stack, kind: str) -> Iterator[Answers[dict[int, int]]]:
    """Run the flood in a process of its own, until the block ends; then the queue has what it was answered."""
    key = stack.process_of("auth-signin").environ()["SESSION_SIGNING_KEY"]
    stop = Event()
    answered: Answers[dict[int, int]] = SimpleQueue()
    process = Process(target=_run_flood, args=(f"{stack.url}/api/orders", key, kind, stop, answered), daemon=True)
    process.start()
    try:
        yield answered
    finally:
        stop.set()
        process.join()


def _run_flood(url: str, key: str, kind: str, stop: EventType, answered: Answers[dict[int, int]]) -> None:
    statuses: Counter[int] = Counter()
    asyncio.run(_loop_all(url, key, FLOODS[kind], stop, statuses))
    answered.put(dict(statuses))


async def _loop_all(url: str, key: str, ids: Callable[[], str], stop: EventType, statuses: Counter[int]) -> None:
    await asyncio.gather(*(_loop(url, key, ids, stop, statuses) for _ in range(CLIENTS)))


async def _loop(url: str, key: str, ids: Callable[[], str], stop: EventType, statuses: Counter[int]) -> None:
    async with aiohttp.ClientSession(headers=reserving.headers(key=key)) as session:
        while not stop.is_set():
            async with session.post(url, json={"ticketId": ids()}) as answer:
                await answer.read()
            statuses[answer.status] += 1
