"""A client that insists: what a fault got in the way of is asked for again, under the same key, and done once."""

import secrets
import time
from typing import Any

import requests

from tests.e2e.person import GOOD_CARD, Person
from tests.eventually import eventually

PATIENCE_SECONDS = 300
CREATED, DECLINED = 201, 402
# Not for good: the function that keeps a replica has yet to start, or an earlier try is under way.
NOT_YET = {404, 409}
FAULT = 500


class Insistent(Person):
    """A person whose browser tries on."""

    def insist(self, method: str, path: str, **body: object) -> requests.Response:
        """The answer, once there is one that is about the request."""
        self.headers["Idempotency-Key"] = secrets.token_hex(8)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self.api(method, path, **body)
            except requests.ConnectionError:
                answer = None
            if answer is not None and answer.status_code < FAULT and answer.status_code not in NOT_YET:
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.5)

    def await_status(self, order: str, status: str) -> None:
        """Wait until an order has it."""
        eventually(lambda: self.insist("GET", f"/orders/{order}").json()["status"] == status, PATIENCE_SECONDS)


def purchase(seller: Insistent, buyer: Insistent) -> dict[str, Any]:
    """From the offer to the paid order. Who pays while the provider is away may be told so, and buys another one."""
    ticket = seller.insist("POST", "/tickets", title="Opening night", price=20).json()["id"]
    order: dict[str, Any] = buyer.insist("POST", "/orders", ticketId=ticket).json()
    paid = buyer.insist("POST", "/payments", orderId=order["id"], token=GOOD_CARD)
    if paid.status_code == DECLINED:
        buyer.await_status(order["id"], "cancelled")
        return purchase(seller, buyer)
    assert paid.status_code == CREATED, paid.text
    buyer.await_status(order["id"], "complete")
    eventually(
        lambda: seller.insist("GET", f"/tickets/{ticket}").json().get("orderId") == order["id"], PATIENCE_SECONDS
    )
    return order
