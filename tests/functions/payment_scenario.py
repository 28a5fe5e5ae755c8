"""One order to pay for, and everything that can happen around its payment."""

import sqlite3
from contextlib import closing

import pytest
from werkzeug.test import TestResponse

from functions.payments import repository
from tests.browser import Browser
from tests.eventually import eventually
from tests.functions import webhooks
from tests.functions.harness import CLOUDEVENT, Document, Function, Make, Store, User, event, refusal, said
from tests.functions.scenes import order_state, ticket_state
from tests.provider import Provider

CARD = "tok_visa"
Answer = tuple[int, object]
DONE = (204, None)
RECEIVED = (200, {"received": True})
FAULT = refusal(500, "Something went wrong")
NOWHERE = "http://127.0.0.1:1"
STATUS_EVENTS = {
    "created": "order.created",
    "awaiting:payment": "order.awaiting-payment",
    "complete": "order.completed",
    "cancelled": "order.cancelled",
}


class PaymentScenario:
    """Its functions are one process, so that two calls can overlap; `process` is one that has what all others need."""

    def __init__(self, function: Make, store: Store, provider: Provider) -> None:
        self._function = function
        self.store = store
        self.provider = provider
        needed_by_others = {"STRIPE_WEBHOOK_SECRET": provider.webhook_secret, "SETTLEMENT_DELAY_SECONDS": "120"}
        self.process = self._of_payments("create", **needed_by_others)
        self.buyer = User()
        self.order: Document = order_state(ticket_state(price=19.99), userId=self.buyer.id)

    def hear(self, status: str, version: int = 1, **changes: object) -> Answer:
        """Orders tells that the order has come to this status."""
        reason = {"reason": "expired"} if status == "cancelled" else {}
        told = self.order | {"status": status, "version": version} | reason | changes
        return _answer(self._of_payments("replicate-order").deliver(event(STATUS_EVENTS[status], "orders", told)))

    def cancel(self) -> Answer:
        """The order is cancelled."""
        return self.hear("cancelled", 9)

    def pay(self, token: object = CARD, **environment: str) -> Answer:
        """The buyer pays for it."""
        return said(self.post({"orderId": self.order["id"], "token": token}, None, **environment))

    def post(self, body: Document, user: User | None = None, **environment: str) -> TestResponse:
        """Ask for a payment as a user, the buyer unless another is given."""
        return self._of_payments("create", **environment).call("POST", json=body, user=user or self.buyer)

    def open(self, **environment: str) -> Browser:
        """The buyer begins to pay in a browser; what the browser can then do."""
        status, body = said(self.post({"orderId": self.order["id"]}, None, **environment))
        assert isinstance(body, dict)
        assert (status, body["id"], body["status"]) == (201, self.id, "requires_payment_method")
        return Browser(self.provider.url, body["clientSecret"])

    def charge(self, token: str = CARD) -> None:
        """The buyer pays, and the process dies before the outcome is recorded."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repository, "_save", _die)
            assert self.pay(token) == FAULT
        assert self.status == "pending"

    def settle(self, **environment: str) -> Answer:
        """The payment is overdue."""
        data = {"id": self.id, "orderId": self.order["id"]}
        return _answer(self._of_payments("settle", **environment).deliver(event("payment.overdue", "payments", data)))

    def settle_once_stored(self) -> Answer:
        """The payment is overdue as soon as it is stored, which happens while its intent is created."""
        eventually(lambda: self.store["payments"].count_documents({}))
        return self.settle()

    def refund(self, **environment: str) -> Answer:
        """The payment is to be given back."""
        data = {"id": self.id, "orderId": self.order["id"], "amount": 19.99, "providerId": self.row["providerId"]}
        told = event("payment.refund-requested", "payments", data)
        return _answer(self._of_payments("refund", **environment).deliver(told))

    def webhook(self, kind: str = "payment_intent.succeeded", error: str | None = None) -> Answer:
        """Send the provider's event of the payment's intent, or else of its newest one, or else of an unknown one."""
        known = [self.row["providerId"], *(found["id"] for found in reversed(self.intents)), "pi_1"]
        failure = {"message": error} if error else None
        body = webhooks.content(kind, webhooks.intent(self.id, failure, id=next(filter(None, known))))
        headers = {"Stripe-Signature": webhooks.signature(body)}
        return said(self._of_payments("webhook").call("POST", data=body, headers=headers))

    def alter_provider(self, statement: str) -> None:
        """Change what the provider has in its database."""
        with closing(sqlite3.connect(self.provider._environment["DATABASE"], isolation_level=None)) as known:
            known.execute(statement)

    @property
    def row(self) -> Document:
        """The one payment, as it is stored."""
        [row] = self.store["payments"].find()
        return dict(row)

    @property
    def id(self) -> str:
        """The payment's."""
        return str(self.row["_id"])

    @property
    def status(self) -> str:
        """The payment's."""
        return str(self.row["status"])

    @property
    def told(self) -> list[str]:
        """The events in the outbox by the alphabet: their names without `payment.`."""
        return sorted(found["type"].removeprefix("dev.ticketing.payment.") for found in self.store.events())

    @property
    def intents(self) -> list[Document]:
        """The provider's intents, oldest first."""
        return list(self.provider.ledger()["payment_intents"])

    @property
    def ends(self) -> list[str]:
        """The status of each intent."""
        return [found["status"] for found in self.intents]

    @property
    def charges(self) -> list[int]:
        """The cents of each charge that the provider has made."""
        return [found["amount_received"] for found in self.intents if found["status"] == "succeeded"]

    @property
    def refunds(self) -> list[int]:
        """The cents of each refund that the provider has made."""
        return [found["amount"] for found in self.provider.ledger()["refunds"]]

    def _of_payments(self, verb: str, **environment: str) -> Function:
        return self._function(f"payments-{verb}", K_SERVICE="payments", **environment)


def _die(*_: object) -> None:
    raise RuntimeError("killed")


def _answer(response: TestResponse) -> Answer:
    """Status and body; of a reply, the CloudEvent."""
    if (response.status_code, response.data) == (204, b""):
        return DONE
    if response.content_type == CLOUDEVENT:
        return response.status_code, response.get_json(force=True)
    return said(response)
