"""How long after a ticket was committed orders knows it, at a steady rate of changes."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pymongo
from pymongo.asynchronous.database import AsyncDatabase

from tests.bench import load
from tests.bench.marketplace import Market
from tests.e2e.stack import Stack, running

RATE, CHANGES = 50, 1500
Database = AsyncDatabase[dict[str, Any]]


def measure(folder: Path) -> None:
    """Print the time from a ticket's event, which is made just before the commit, to its replica in orders."""
    print(f"## From the commit of a ticket to its replica in orders, at {RATE} changes/s")
    with running(folder) as stack:
        lags = asyncio.run(_lags(stack, Market(stack)))
    middle, worst = load.percentile(lags, 0.5), load.percentile(lags, 0.99)
    print(f"p50 {middle * 1000:.0f} ms, p99 {worst * 1000:.0f} ms, {len(lags)} changes")


async def _lags(stack: Stack, market: Market) -> list[float]:
    connect = pymongo.AsyncMongoClient[dict[str, Any]]
    async with (
        connect(stack.mongo_uri("orders-create")) as orders,
        connect(stack.mongo_uri("tickets-create")) as tickets,
    ):
        arrived: dict[str, float] = {}
        async with await orders["orders"]["tickets"].watch() as changes:
            watching = asyncio.create_task(_note_arrivals(changes, arrived))
            creations = (
                load.Request("POST", f"{stack.url}/api/tickets", {"title": "x", "price": 20}) for _ in range(CHANGES)
            )
            await load.drive_on(creations, market.headers, rate=RATE)
            await watching
        committed = await _commits(tickets["tickets"])
    return [arrived[ticket] - committed[ticket] for ticket in arrived]


async def _note_arrivals(changes: AsyncIterator[Mapping[str, Any]], arrived: dict[str, float]) -> None:
    async for change in changes:
        arrived.setdefault(str(change["documentKey"]["_id"]), time.time())
        if len(arrived) == CHANGES:
            return


async def _commits(tickets: Database) -> dict[str, float]:
    rows = tickets["outbox"].find()
    return {row["event"]["subject"]: datetime.fromisoformat(row["event"]["time"]).timestamp() async for row in rows}
