"""What payments-create adds to the time that the provider takes, one payment after the other."""

import http.client
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pymongo
from bson import ObjectId
from stripe import PaymentIntentService

from local import servers
from local.plan import Process
from tests.bench import processes
from tests.bench.reserving import KEYS, headers, tickets
from tests.provider import Provider
from tests.servers import running_server

ROUNDS, WARM_UP = 320, 20
CENTS = 2000
Document = dict[str, Any]


def measure(folder: Path) -> None:
    """Print the medians of a charge by the provider's own library, and of a payment with all that belongs to it.

    The time of our own is told in floors, too: of a bare function's answer to an order, one transaction of two writes.
    """
    print("## Paying for an order, directly at the function, one at a time")
    port = servers.free_port()
    with running_server(servers.mongo_server(port, folder / "mongo"), port), Provider(folder) as provider:
        uri, elsewhere = (servers.with_database(servers.mongo_uri(port), name) for name in ("payments", "orders"))
        asks = {"STRIPE_API_BASE": provider.url, "STRIPE_KEY": provider.key}
        processes.migrate("payments", uri)
        create = processes.functions(MONGO_URI=uri, **KEYS, **asks)["payments-create"]
        bare = processes.bare(processes.functions(MONGO_URI=elsewhere, **KEYS)["orders-create"], "reserve")
        with processes.running(create), processes.running(bare):
            payer = headers(payer_id := str(ObjectId()))
            payments, floor = Requests(create, "/api/payments", payer), Requests(bare, "/api/orders", payer)
            intents = provider.client().v1.payment_intents
            taken = [
                (
                    _timed(partial(_charge, intents)),
                    _timed(partial(payments.post, orderId=order, token="pm_card_visa")),
                    _timed(partial(floor.post, ticketId=ticket)),
                )
                for order, ticket in zip(_orders(uri, payer_id, ROUNDS), tickets(elsewhere, ROUNDS), strict=True)
            ]
    alone, whole, least = (statistics.median(times) * 1000 for times in zip(*taken[WARM_UP:], strict=True))
    print(f"p50: charge {alone:.1f} ms, payment {whole:.1f} ms: {whole - alone:.1f} ms of our own")
    print(f"floor {least:.1f} ms: {(whole - alone) / least:.1f} of them")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _charge(intents: PaymentIntentService) -> None:
    """Create an intent and confirm it: the two calls that a payment takes."""
    params: Any = {"amount": CENTS, "currency": "usd", "payment_method_types": ["card"]}
    intent = intents.create(params)
    intents.confirm(intent.id, {"payment_method": "pm_card_visa", "error_on_requires_action": True})


class Requests:
    """A function, asked over one connection by a client that takes next to no time itself."""

    def __init__(self, function: Process, path: str, headers: dict[str, str]) -> None:
        processes.await_answer(function)
        self._connection = http.client.HTTPConnection(servers.HOST, int(function.environment["PORT"]))
        self._path = path
        self._headers = headers | {"Content-Type": "application/json"}

    def post(self, **body: str) -> None:
        """Have something created."""
        self._connection.request("POST", self._path, json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == http.HTTPStatus.CREATED, text


def _orders(uri: str, payer: str, count: int) -> list[str]:
    """Put orders of a buyer into the replica."""
    expires = datetime.now(UTC) + timedelta(hours=1)
    order: Document = {"userId": payer, "status": "created", "expiresAt": expires, "priceCents": CENTS, "version": 0}
    rows = [{"_id": ObjectId(), **order} for _ in range(count)]
    with pymongo.MongoClient[Document](uri) as client:
        client.get_default_database()["orders"].insert_many(rows)
    return [str(row["_id"]) for row in rows]
