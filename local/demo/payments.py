"""Scenes of paying: a card that is declined, money that comes too late, and a ticket that is sold."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import requests

from local.demo.events import Events
from local.demo.person import TIMEOUT_SECONDS, People, say

GOOD_CARD, BAD_CARD = "tok_visa", "tok_chargeDeclined"  # of https://docs.stripe.com/testing
SLOW_SECONDS = 2  # less than payments-create waits for the provider
SLOW = {"operations": ["confirm"], "delay": SLOW_SECONDS, "webhooks": "late", "webhook_delay": 2 * SLOW_SECONDS}


def play(people: People, events: Events, stand_in: str | None) -> None:
    """Try to buy the ticket three times; `stand_in` is the address of the stand-in for Stripe, if there is one."""
    _decline(people, events)
    if stand_in:
        _refund(people, events, stand_in)
    else:
        say("A late payment is not shown: Stripe itself cannot be told to be slow.")
    _pay(people, events)


def _decline(people: People, events: Events) -> None:
    say("The rival reserves the ticket, but the card is declined: the order is cancelled and the ticket back.")
    order = _reserve(people)
    people.rival.does("POST", "/api/payments", 402, orderId=order, token=BAD_CARD)
    people.rival.finds_order(order, "cancelled")
    people.rival.finds(people.ticket, listed=True)
    events.wait_for("order.cancelled", order)


def _refund(people: People, events: Events, stand_in: str) -> None:
    say(
        "The rival pays, and cancels the order while the card network takes its time. The payment is answered after\n"
        "the cancellation, and the money goes back."
    )
    order = _reserve(people)
    with _slow(stand_in), ThreadPoolExecutor() as pool:
        # The answer depends on what comes first, the money or the news of the cancellation; what follows does not.
        paid = pool.submit(people.rival.does, "POST", "/api/payments", 400, 201, orderId=order, token=GOOD_CARD)
        people.rival.finds_order(order, "awaiting:payment")
        people.rival.does("DELETE", f"/api/orders/{order}", 204)
        paid.result()
    events.wait_for("payment.refunded", order)


def _pay(people: People, events: Events) -> None:
    say("The buyer reserves the ticket and pays: it is sold, and stays off the list.")
    order = people.buyer.does("POST", "/api/orders", 201, ticketId=people.ticket)["id"]
    people.buyer.does("POST", "/api/payments", 201, orderId=order, token=GOOD_CARD)
    people.buyer.finds_order(order, "complete")
    people.rival.finds(people.ticket, listed=False)
    people.buyer.does("POST", "/api/payments", 400, orderId=order, token=GOOD_CARD)
    people.buyer.does("DELETE", f"/api/orders/{order}", 400)
    events.wait_for("order.completed", order)


def _reserve(people: People) -> str:
    return str(people.rival.does("POST", "/api/orders", 201, ticketId=people.ticket)["id"])


@contextmanager
def _slow(stand_in: str) -> Iterator[None]:
    """Let the provider send its webhooks some seconds late, until the block ends."""
    behaviour = f"{stand_in}/test/behaviour"
    with requests.Session() as session:
        session.trust_env = False
        session.post(behaviour, json=SLOW, timeout=TIMEOUT_SECONDS).raise_for_status()
        try:
            yield
        finally:
            session.delete(behaviour, timeout=TIMEOUT_SECONDS).raise_for_status()
