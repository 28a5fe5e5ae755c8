"""The whole system on one machine: orders through the gateway, with every event delivered behind them."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import nats
import psutil
import pymongo
from bson import ObjectId
from pymongo.database import Database

from events.broker.subjects import StreamNames
from tests.bench import load, processes, reserving
from tests.e2e.stack import Stack, running

BURST_SECONDS, STEADY_SECONDS = 60, 120
STEADY_RATE = 60
MAX_ORDERS = 30_000
EVENTS_OF_AN_ORDER = 2  # order.created and ticket.updated
LOG = StreamNames("ticketing", "default").log


def measure(folder: Path) -> None:
    """Print how many orders are accepted and kept up with, and what the stack weighs."""
    print("## Orders through the gateway, everything running")
    floor = reserving.floor(folder)
    with running(folder, EXPIRATION_WINDOW_SECONDS="3600") as stack:
        everything = psutil.Process(stack.process.pid)
        print(f"idle: {processes.memory(everything):.0f} MiB PSS in all")
        market = Market(stack)
        began = processes.cpu(everything)
        burst = market.take(market.orders(MAX_ORDERS), seconds=BURST_SECONDS)
        drained = market.await_delivery()
        each = (processes.cpu(everything) - began) / burst.statuses[201]
        print(f"burst: {burst.per_second(201):.0f} accepted/s for {burst.elapsed:.0f} s, drained {drained:.0f} s later")
        print(f"       {dict(burst.statuses)}, p50 {load.percentile(burst.latencies, 0.5) * 1000:.0f} ms")
        floors = each / ((floor + reserving.floor(folder)) / 2)
        print(f"       {each * 1000:.1f} ms CPU per order, all services and servers; {floors:.1f} times the floor")
        steady = market.take(market.orders(STEADY_RATE * STEADY_SECONDS), rate=STEADY_RATE)
        backlog, drained = market.backlog(), market.await_delivery()
        print(f"steady: {steady.per_second(201):.0f} accepted/s for {steady.elapsed:.0f} s, then {backlog} undelivered")
        print(f"       p50 {load.percentile(steady.latencies, 0.5) * 1000:.0f} ms, drained {drained:.1f} s later")
        print(f"after: {processes.memory(everything):.0f} MiB PSS in all")


class Market:
    """A running stack with tickets for sale."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.url}/api/orders"
        self._nats_url = stack.process_of("bridge").environ()["NATS_URL"]
        uris = [stack.mongo_uri(function) for function in ("tickets-create", "orders-create")]
        self._databases: list[Database[dict[str, object]]] = [
            pymongo.MongoClient[dict[str, object]](uri).get_default_database() for uri in uris
        ]
        self._taken = 0
        self._key = stack.process_of("auth-signin").environ()["SESSION_SIGNING_KEY"]
        self.headers = reserving.headers(key=self._key)

    def orders(self, count: int) -> Iterator[load.Request]:
        """Orders for as many tickets, which are put into both databases first."""
        ids = self.offer(count)
        return (
            load.Request("POST", self._url, {"ticketId": ticket}, reserving.headers(key=self._key)) for ticket in ids
        )

    def offer(self, count: int) -> list[str]:
        """Put tickets into both databases, as if they had been created and replicated."""
        rows = [
            {"_id": ObjectId(), "userId": str(ObjectId()), "version": 0, "title": "x", "priceCents": 2000}
            for _ in range(count)
        ]
        for database in self._databases:
            database["tickets"].insert_many(rows)
        return [str(row["_id"]) for row in rows]

    def await_delivery(self) -> float:
        """The seconds until no event is on its way any more."""
        began = time.perf_counter()
        while self.backlog():
            time.sleep(0.2)
        return time.perf_counter() - began

    def take(self, orders: Iterator[load.Request], **pace: float) -> load.Outcome:
        """Have orders made at a pace, or as fast as they are taken."""
        outcome = load.drive(orders, {}, **pace)
        self._taken += outcome.statuses[201]
        return outcome

    def backlog(self) -> int:
        """Events that are stored and not delivered yet, in the outboxes and in the log.

        The database is not asked, which would keep it from its work.
        """
        published, undelivered = asyncio.run(self._progress())
        return max(EVENTS_OF_AN_ORDER * self._taken - published, 0) + undelivered

    async def _progress(self) -> tuple[int, int]:
        """How many events the log has, and how many of them Triggers have not had or not acknowledged."""
        connection = await nats.connect(self._nats_url)
        published = (await connection.jetstream().stream_info(LOG)).state.messages
        consumers = await connection.jetstream().consumers_info(LOG)
        await connection.close()
        return published, sum((one.num_pending or 0) + (one.num_ack_pending or 0) for one in consumers)
