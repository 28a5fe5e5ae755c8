"""The end of a reservation that was not paid, even if nothing runs while it comes."""

import time
from pathlib import Path

import pytest

from tests.e2e.person import Person
from tests.e2e.stack import running
from tests.eventually import eventually

pytestmark = pytest.mark.slow

WINDOW_SECONDS = 8


def test_an_unpaid_order_is_cancelled_at_its_expiry_and_its_ticket_is_on_sale_again(tmp_path: Path) -> None:
    with running(tmp_path, EXPIRATION_WINDOW_SECONDS=str(WINDOW_SECONDS)) as stack:
        seller, buyer = Person(stack.url), Person(stack.url)
        ticket = seller.sell()
        order = buyer.reserve(ticket)

        eventually(lambda: buyer.order(order)["status"] == "cancelled")

        eventually(lambda: ticket in seller.on_sale())
        assert buyer.api("POST", "/orders", ticketId=ticket).json()["status"] == "created"


def test_an_order_expires_although_everything_is_stopped_during_the_wait(tmp_path: Path) -> None:
    with running(tmp_path, EXPIRATION_WINDOW_SECONDS=str(WINDOW_SECONDS)) as stack:
        seller, buyer = Person(stack.url), Person(stack.url)
        ticket = seller.sell()
        order = buyer.reserve(ticket)
        eventually(lambda: seller.ticket(ticket)["version"] > 0)

    time.sleep(WINDOW_SECONDS)

    with running(tmp_path, stack.port) as again:
        eventually(lambda: buyer.order(order)["status"] == "cancelled")
        eventually(lambda: ticket in seller.on_sale())
        assert again.url == stack.url
