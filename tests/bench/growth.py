"""Whether showing and creating a ticket take the same time among many as among few, and how lists find theirs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId

from local import servers
from local.plan import Process
from tests.bench import load, processes
from tests.bench.reserving import KEYS, headers
from tests.servers import running_server

SIZES = (1_000, 60_000)
REQUESTS = 600
Document = dict[str, Any]


def measure(folder: Path) -> None:
    """Print the median of showing and creating at both sizes, and the plan of the list's query."""
    print("## Showing and creating a ticket, among few and among many")
    port = servers.free_port()
    with running_server(servers.mongo_server(port, folder / "mongo"), port):
        uri = servers.with_database(servers.mongo_uri(port), "tickets")
        processes.migrate("tickets", uri)
        functions = processes.functions(MONGO_URI=uri, **KEYS)
        with pymongo.MongoClient[Document](uri) as client:
            tickets = client.get_default_database()["tickets"]
            medians = [_at_size(size, tickets, functions) for size in SIZES]
            plan = tickets.find({"orderId": None}).sort("_id").limit(51).explain()["queryPlanner"]["winningPlan"]
    for what, few, many in zip(("show", "create"), *medians, strict=True):
        print(f"{what:<7} {few * 1000:.1f} ms at {SIZES[0]:,}, {many * 1000:.1f} ms at {SIZES[1]:,}  x{many / few:.2f}")
    print(f"list    is planned as {plan}")


def _at_size(
    size: int, tickets: "pymongo.collection.Collection[Document]", functions: dict[str, Process]
) -> list[float]:
    missing = size - tickets.estimated_document_count()
    rows: list[Document] = [
        {"_id": ObjectId(), "userId": str(ObjectId()), "title": "x", "priceCents": 2000, "version": 0}
        for _ in range(missing)
    ]
    tickets.insert_many(rows)
    shown = functions["tickets-show"]
    shows = (load.Request("GET", f"{_url(shown)}/{row['_id']}") for row in rows[:REQUESTS])
    return [_median(shown, shows), _median(functions["tickets-create"], _creations(functions["tickets-create"]))]


def _creations(process: Process) -> Iterator[load.Request]:
    return (load.Request("POST", _url(process), {"title": "x", "price": 20}) for _ in range(REQUESTS))


def _median(process: Process, requests: Iterator[load.Request]) -> float:
    with processes.running(process):
        processes.await_answer(process)
        return load.percentile(load.drive(requests, headers()).latencies, 0.5)


def _url(process: Process) -> str:
    return f"http://{servers.HOST}:{process.environment['PORT']}/api/tickets"
