"""orders-create alone, without gateway and events: processor time of its process per request, against the floor."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
from bson import ObjectId

from events import keyring
from local import keys, servers
from local.plan import Process
from tests.bench import load, processes
from tests.servers import running_server

ORDERS = 1500
ROUNDS = 3
SIGNING_KEY = keys.generate("SESSION_SIGNING_KEY")
KEYS = {"SESSION_SIGNING_KEY": SIGNING_KEY, "SESSION_PUBLIC_KEYS": keys.public_key(SIGNING_KEY)}


def measure(folder: Path) -> None:
    """Print rate and processor time per order of the floor and of ours."""
    print("## Reserving a ticket, directly at the function, 16 connections")
    with _orders_create(folder) as (ours, uri):
        bare = processes.bare(ours, "reserve")
        runs = [(_run(bare, uri), _run(ours, uri)) for _ in range(ROUNDS)]
    for name, number in (("floor", 0), ("orders-create", 1)):
        rates, times = zip(*(run[number] for run in runs), strict=True)
        print(f"{name:<14} {statistics.median(rates):5.0f}/s  {statistics.median(times) * 1000:.2f} ms CPU each")
    print(f"ratio of CPU   x{statistics.median(ours[1] / floor[1] for floor, ours in runs):.2f}")


def floor(folder: Path) -> float:
    """Seconds of processor time that an order takes in a bare function, on the machine as it is now."""
    with _orders_create(folder) as (ours, uri):
        return _run(processes.bare(ours, "reserve"), uri)[1]


@contextmanager
def _orders_create(folder: Path) -> Iterator[tuple[Process, str]]:
    """The function, not started yet, and the URI of a new database that is."""
    port = servers.free_port()
    with running_server(servers.mongo_server(port, folder / f"mongo-{port}"), port):
        uri = servers.with_database(servers.mongo_uri(port), "orders")
        processes.migrate("orders", uri)
        with pymongo.MongoClient[dict[str, object]](uri) as client:
            # Made within two transactions at once, they would conflict.
            client.get_default_database().create_collection("outbox")
        yield processes.functions(MONGO_URI=uri, **KEYS)["orders-create"], uri


def _run(process: Process, uri: str) -> tuple[float, float]:
    """Orders a second, and seconds of processor time per order."""
    url = f"http://{servers.HOST}:{process.environment['PORT']}/api/orders"
    with processes.running(process) as started:
        processes.await_answer(process)
        load.drive(_requests(url, uri, 100), {})
        before = processes.cpu(started)
        outcome = load.drive(_requests(url, uri, ORDERS), {})
        assert outcome.statuses[201] == ORDERS, outcome.statuses
        return outcome.per_second(201), (processes.cpu(started) - before) / ORDERS


def _requests(url: str, uri: str, count: int) -> Iterator[load.Request]:
    return (load.Request("POST", url, {"ticketId": ticket}, headers()) for ticket in tickets(uri, count))


def tickets(uri: str, count: int) -> list[str]:
    """Put tickets into the replica that orders has of them; their ids."""
    rows = [{"_id": ObjectId(), "version": 0, "title": "x", "priceCents": 2000} for _ in range(count)]
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        client.get_default_database()["tickets"].insert_many(rows)
    return [str(row["_id"]) for row in rows]


def headers(user: str | None = None, key: str = SIGNING_KEY) -> dict[str, str]:
    """Return those of a user who is signed in, by default of a new one: each may hold a few orders only."""
    claims = {"id": user or str(ObjectId()), "email": "bench@example.com", "iat": 1, "exp": 4_000_000_000}
    return {"Authorization": "Bearer " + keyring.sign(claims, key)}
