"""What a paid order takes of the log, the schedules and each collection, in bytes."""

import asyncio
from pathlib import Path
from typing import Any

import bson
import nats
import pymongo
from nats.js.api import StreamState

from events.broker.subjects import StreamNames
from tests.e2e.person import Person
from tests.e2e.stack import Stack, running
from tests.eventually import eventually

ORDERS = 100
STREAMS = StreamNames("ticketing", "default")
DATABASES = {"tickets": "tickets-create", "orders": "orders-create", "payments": "payments-create"}
Sizes = dict[str, tuple[float, float]]  # messages or rows, and bytes, by stream or collection


def measure(folder: Path) -> None:
    """Print how much a ticket that is sold, reserved and paid adds, on average."""
    print("## What a paid order adds, by stream and collection")
    with running(folder) as stack:
        seller, buyer = Person(stack.url), Person(stack.url)
        before = _sizes(stack)
        for _ in range(ORDERS):
            _buy(seller, buyer)
        eventually(lambda: asyncio.run(_undelivered(stack)) == 0)
        after = _sizes(stack)
    for name, (count, size) in sorted(after.items()):
        earlier_count, earlier_size = before.get(name, (0, 0))
        print(
            f"{name:<24} {(count - earlier_count) / ORDERS:5.2f} of {(size - earlier_size) / ORDERS:6.0f} bytes in all"
        )


def _buy(seller: Person, buyer: Person) -> None:
    order = buyer.reserve(seller.sell())
    assert buyer.pay(order).status_code == 201
    eventually(lambda: buyer.order(order)["status"] == "complete")


def _sizes(stack: Stack) -> Sizes:
    """Return the number and the bytes of what each stream and collection holds, without indexes and compression."""
    sizes: Sizes = {}
    for name, state in asyncio.run(_states(stack)).items():
        sizes[name] = (state.messages, state.bytes)
    for service, function in DATABASES.items():
        with pymongo.MongoClient[dict[str, Any]](stack.mongo_uri(function)) as client:
            database = client.get_default_database()
            for collection in database.list_collection_names():
                rows = [len(bson.encode(row)) for row in database[collection].find()]
                sizes[f"{service}.{collection}"] = (len(rows), sum(rows))
    return sizes


async def _states(stack: Stack) -> dict[str, StreamState]:
    async with await nats.connect(_nats_url(stack)) as connection:
        jetstream = connection.jetstream()
        names = {"the log": STREAMS.log, "schedules": STREAMS.schedules}
        return {name: (await jetstream.stream_info(stream)).state for name, stream in names.items()}


async def _undelivered(stack: Stack) -> int:
    async with await nats.connect(_nats_url(stack)) as connection:
        consumers = await connection.jetstream().consumers_info(STREAMS.log)
        return sum((one.num_pending or 0) + (one.num_ack_pending or 0) for one in consumers)


def _nats_url(stack: Stack) -> str:
    return stack.process_of("bridge").environ()["NATS_URL"]
