"""What payments-create adds to the time that the provider takes, one payment after the other."""

import http.client
import itertools
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
from tests.bench import processes
from tests.bench.reserving import KEY, headers
from tests.provider import Provider
from tests.servers import running_server

PAYMENTS, WARM_UP = 300, 20
CENTS = 2000
Document = dict[str, Any]


def measure(folder: Path) -> None:
    """Print the medians of a charge by the provider's own library, and of a payment with all that belongs to it."""
    print("## Paying for an order, directly at the function, one at a time")
    port = servers.free_port()
    with running_server(servers.mongo_server(port, folder / "mongo"), port), Provider(folder) as provider:
        uri = servers.with_database(servers.mongo_uri(port), "payments")
        asks = {"STRIPE_API_BASE": provider.url, "STRIPE_KEY": provider.key}
        create = processes.functions(MONGO_URI=uri, JWT_KEY=KEY, **asks)["payments-create"]
        with processes.running(create):
            processes.await_answer(create)
            payer = str(ObjectId())
            payments = Payments(int(create.environment["PORT"]), headers(payer))
            orders = iter(_orders(uri, payer, PAYMENTS + WARM_UP))
            intents = provider.client().v1.payment_intents
            for order in itertools.islice(orders, WARM_UP):
                _charge(intents)
                payments.pay(order)
            taken = [(_timed(partial(_charge, intents)), _timed(partial(payments.pay, order))) for order in orders]
    alone, whole = (statistics.median(times) * 1000 for times in zip(*taken, strict=True))
    print(f"p50: charge {alone:.1f} ms, payment {whole:.1f} ms: {whole - alone:.1f} ms of our own")


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _charge(intents: PaymentIntentService) -> None:
    intents.create({"amount": CENTS, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"})


class Payments:
    """The function, asked over one connection by a client that takes next to no time itself."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection(servers.HOST, port)
        self._headers = headers | {"Content-Type": "application/json"}

    def pay(self, order: str) -> None:
        """Pay for an order."""
        body = json.dumps({"orderId": order, "token": "pm_card_visa"})
        self._connection.request("POST", "/api/payments", body, self._headers)
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
