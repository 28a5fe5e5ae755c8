"""Databases are restored to an earlier time (docs/operations/backup.md): orders end, and nothing is sold twice."""

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from tests.e2e.person import Person
from tests.e2e.stack import ROOT, Stack, running, settings
from tests.eventually import eventually

pytestmark = pytest.mark.slow

DATABASES = ("tickets-mongo", "payments-mongo", "orders-mongo", "auth-mongo")  # in the order of the page
WINDOW = "60"  # seconds
LONGEST = 600  # seconds, on a machine that does other things too


def test_after_a_restore_all_orders_end_and_nothing_is_sold_twice(tmp_path: Path) -> None:
    state, backup = tmp_path / "state", tmp_path / "backup"
    with running(state, EXPIRATION_WINDOW_SECONDS=WINDOW) as stack:
        port = stack.port
        seller, buyer, late = Person(stack.url), Person(stack.url), Person(stack.url)
        kept, forgotten = seller.sell(), seller.sell()
        paid = buyer.reserve(kept)
        buyer.pay(paid)
        eventually(lambda: buyer.order(paid)["status"] == "complete")
        eventually(lambda: kept not in seller.on_sale())
        with _shopping(stack.url) as shopper:
            for name in DATABASES:
                _take_snapshot(stack, name, backup)
        lost = late.reserve(forgotten)
        late.pay(lost)
        eventually(lambda: late.order(lost)["status"] == "complete")

    shutil.rmtree(state / "nats")
    for name in DATABASES:
        shutil.rmtree(state / name)
        shutil.copytree(backup / name, state / name)

    with running(state, port, EXPIRATION_WINDOW_SECONDS=WINDOW) as stack:
        assert buyer.order(paid)["status"] == "complete"
        assert late.api("GET", f"/orders/{lost}").status_code == 404
        again = buyer.reserve(forgotten)
        buyer.pay(again)
        eventually(lambda: buyer.order(again)["status"] == "complete")
        eventually(lambda: _statuses(shopper) <= {"complete", "cancelled"}, LONGEST)
        eventually(lambda: _sold(buyer, shopper) & seller.on_sale() == set())
        assert len(_sold(buyer, shopper)) == _complete(buyer) + _complete(shopper)
        audit = _audit(stack)
        assert lost in audit, audit
        assert "charge has no payment" in audit


@contextmanager
def _shopping(url: str) -> Iterator[Person]:
    """Let people sell, reserve and pay until the block ends."""
    shopper, over = Person(url), threading.Event()

    def shop() -> None:
        while not over.is_set():
            with suppress(AssertionError, requests.RequestException):  # a database that is paused does not answer
                shopper.pay(shopper.reserve(shopper.sell()))

    thread = threading.Thread(target=shop)
    thread.start()
    try:
        yield shopper
    finally:
        over.set()
        thread.join()


def _take_snapshot(stack: Stack, name: str, backup: Path) -> None:
    """Copy a database's files as they are at one moment, like a snapshot of its volume."""
    server = stack.process_of(name)
    server.suspend()
    try:
        shutil.copytree(stack.state / name, backup / name)
    finally:
        server.resume()


def _statuses(person: Person) -> set[str]:
    return {order["status"] for order in person.api("GET", "/orders?limit=100").json()}


def _sold(*people: Person) -> set[str]:
    """Return the tickets of complete orders."""
    orders = [order for person in people for order in person.api("GET", "/orders?limit=100").json()]
    return {order["ticket"]["id"] for order in orders if order["status"] == "complete"}


def _complete(person: Person) -> int:
    return sum(order["status"] == "complete" for order in person.api("GET", "/orders?limit=100").json())


def _audit(stack: Stack) -> str:
    command = [sys.executable, "-m", "local.task", "audit"]
    environment = settings(stack.state, stack.port)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False).stdout
