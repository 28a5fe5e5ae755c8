"""How long a migration of many tickets takes, and how long a seller waits meanwhile.

ROWS says how many tickets; MONGO_URI, if given, is the server, which SecantusDB stands for otherwise.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId

from local import servers
from tests.bench import load, processes
from tests.servers import running_server

ROWS = int(os.environ.get("ROWS") or 5_000)
BATCH = 1_000
PAUSE_SECONDS = 0.02
Tickets = pymongo.collection.Collection[dict[str, Any]]


def measure(folder: Path) -> None:
    """Print how long indexes and rows of version 0.1 take, and how long inserts of tickets take beside that."""
    print(f"## Migrating {ROWS:,} tickets of version 0.1, while others are inserted")
    port = servers.free_port()
    given = os.environ.get("MONGO_URI")
    server = nullcontext() if given else running_server(servers.mongo_server(port, folder / "mongo"), port)
    uri = servers.with_database(given or servers.mongo_uri(port), f"migrating_{port}")
    with server, pymongo.MongoClient[dict[str, Any]](uri) as client:
        tickets = client.get_default_database()["tickets"]
        _fill(tickets)
        for what in ("indexes and rows", "nothing, a second time"):
            with _inserting(tickets) as waits:
                began = time.monotonic()
                processes.migrate("tickets", uri)
                seconds = time.monotonic() - began
            median, worst = load.percentile(waits, 0.5), max(waits)
            print(f"{what:<24} {seconds:6.1f} s; inserts {median * 1000:.1f} ms, the longest {worst:.1f} s")
        client.drop_database(tickets.database)


def _fill(tickets: Tickets) -> None:
    for begin in range(0, ROWS, BATCH):
        tickets.insert_many([_ticket(number) for number in range(begin, min(begin + BATCH, ROWS))])


def _ticket(number: int) -> dict[str, Any]:
    title = f"Jazz night in Paris {number}"
    return {"_id": ObjectId(), "userId": str(ObjectId()), "title": title, "priceCents": 2000, "version": 0}


@contextmanager
def _inserting(tickets: Tickets) -> Iterator[list[float]]:
    """Insert a ticket after the other until the block ends; give the seconds that each took."""
    waits: list[float] = []
    ended = threading.Event()

    def insert() -> None:
        while not ended.wait(PAUSE_SECONDS):
            began = time.monotonic()
            tickets.insert_one({**_ticket(0), "prefixes": []})
            waits.append(time.monotonic() - began)

    inserting = threading.Thread(target=insert)
    inserting.start()
    try:
        yield waits
    finally:
        ended.set()
        inserting.join()
