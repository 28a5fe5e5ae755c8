"""What becomes of payments: tokens and browsers, 3-D Secure, a provider that fails at every point, and its webhooks."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from types import ModuleType
from typing import Any

import stripe
from bson import ObjectId
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from werkzeug.test import TestResponse

from functions.payments import provider, repository, rows
from tests.browser import CHALLENGED, Browser
from tests.browser import DECLINED as DECLINED_NUMBER
from tests.browser import GOOD as GOOD_NUMBER
from tests.functions.harness import Document, process
from tests.properties.broker import Delivery
from tests.properties.faults import death_before_commit, overlap
from tests.properties.invariants import UNPAID
from tests.properties.market import MAX_ORDER, WHICH, pick
from tests.properties.money import ENDS
from tests.properties.people import ANN, Order, People
from tests.properties.system import System

GOOD, DECLINED = "tok_visa", "pm_card_chargeDeclined"
CARDS = st.sampled_from([GOOD, GOOD, DECLINED])
NUMBERS = st.sampled_from([GOOD_NUMBER, GOOD_NUMBER, CHALLENGED, DECLINED_NUMBER])
ANSWERS = st.sampled_from(["approve", "refuse", ""])  # to the bank's question
FAILS, CUT = {"fail": "before"}, {"fail": "after"}
CUT_ONCE = {**CUT, "probability": 0.5, "seed": 13}  # the first answer is lost, the second arrives
CHARGE_FAILS, CHARGE_CUT = ({**failure, "operations": ["confirm"]} for failure in (FAILS, CUT))
BEHAVIOURS: st.SearchStrategy[dict[str, Any]] = st.sampled_from([{}, FAILS, CUT, CUT_ONCE, CHARGE_FAILS, CHARGE_CUT])
FUNCTION_DIED = 500

REPLICATE = "payments-replicate-order"
CREATED, CANCELLED = "dev.ticketing.order.created", "dev.ticketing.order.cancelled"
BEFORE = st.sampled_from([(repository, "store_intent"), (provider, "confirm")])
# Where each of the two transactions has looked, and has not yet written the row that makes them meet.
BEFORE_RECORDING_THE_CHARGE, BEFORE_RECORDING_THE_END = (repository, "_touch"), (rows, "from_order")


def placed(payers: "Payers") -> bool:
    """Whether there is an order."""
    return bool(payers.placed)


class Payers(People):
    """Rules by which money comes and goes.

    `uncharged` are orders whose buyer was told that the provider failed; `browsers` have the secret of an intent.
    """

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self.uncharged: set[str] = set()
        self.browsers: list[Browser] = []

    @precondition(lambda self: self.uncharged)
    @invariant()
    def no_order_is_charged_unasked(self) -> None:
        """What the provider did not do when the buyer asked is never done later."""
        charged = {intent["metadata"]["order"] for intent in self._charges()}
        assert not charged & self.uncharged, "charged unasked"

    @precondition(placed)
    @rule(which=WHICH, card=CARDS, behaviour=BEHAVIOURS)
    def pay(self, which: int, card: str, behaviour: dict[str, Any]) -> None:
        """A buyer pays, maybe not for the first time."""
        order = self._one_to_pay(which)
        is_first = not self.system.stores["payments"]["payments"].count_documents({"orderId": order.id})
        with self._behaving(behaviour):
            answer = self._pay(order, card)
        # Of an order that has a payment already, 409 is about that one, which its buyer may still confirm.
        if is_first and behaviour in (FAILS, CHARGE_FAILS) and answer.status_code == 409 and not self._charges(order):
            self.uncharged.add(order.id)

    @precondition(placed)
    @rule(which=WHICH, behaviour=BEHAVIOURS, number=NUMBERS, answer=ANSWERS)
    def pay_in_a_browser(self, which: int, behaviour: dict[str, Any], number: str, answer: str) -> None:
        """A buyer begins to pay in a browser, maybe not for the first time, and tries a card."""
        order = self._one_to_pay(which)
        with self._behaving(behaviour):
            opened = self._post(order)
        if opened.status_code == 201:
            self.browsers.append(Browser(self.system.provider.url, opened.get_json()["clientSecret"]))
            self._confirm(self.browsers[-1], number, answer)

    @precondition(lambda self: self.browsers)
    @rule(which=WHICH, number=NUMBERS, answer=ANSWERS)
    def try_another_card(self, which: int, number: str, answer: str) -> None:
        """A browser that was left open confirms, after any change of the order meanwhile."""
        self._confirm(pick(self.browsers, which), number, answer)

    @precondition(placed)
    @rule(which=WHICH, commits=st.integers(0, 2), browser=st.booleans())
    def pay_to_the_dying(self, which: int, commits: int, *, browser: bool) -> None:
        """The function dies before it has stored the payment or its intent, or has recorded the charge."""
        order = self._one_to_pay(which)
        with death_before_commit(commits):
            self._post(order, FUNCTION_DIED) if browser else self._pay(order, GOOD, FUNCTION_DIED)

    @precondition(placed)
    @rule(which=WHICH, card=CARDS, before=BEFORE, given_up=st.booleans(), again=st.booleans())
    def pay_slowly(self, which: int, card: str, before: tuple[ModuleType, str], *, given_up: bool, again: bool) -> None:
        """On its way to the charge, every event overtakes the payment: it is overdue, or its order cancelled.

        A buyer who tries again meanwhile does not hear the outcome of the first try.
        """
        order = self._one_to_pay(which)
        if given_up:
            self.give_up(order)

        def meanwhile() -> None:
            self.broker.deliver_to("payments")
            if again:
                self._pay(order, card)
                self.system.provider.behave(**CHARGE_CUT)

        with process(self.system.function("payments-create").environment):
            overlap(partial(self._pay, order, GOOD), meanwhile, before)
        self.system.provider.behave()

    @precondition(lambda self: placed(self) and "orders" not in self.broker.stopped)
    @rule(which=WHICH, slowly=st.booleans())
    def end_as_the_charge_is_told(self, which: int, *, slowly: bool) -> None:
        """That an order was charged and that it is cancelled becomes known at the same time."""
        order = self._one_to_pay(which)
        with self._behaving(CHARGE_CUT):
            self._pay(order, GOOD)
        self.give_up(order)
        self.broker.publish()
        for end in self._news_of(order, CANCELLED):
            for charge in self._charges(order):
                self._tell_at_once(charge, end, slowly=slowly)

    @rule(which=WHICH, times=st.integers(1, 2))
    def webhook_arrives(self, which: int, times: int) -> None:
        """The provider says what came of an intent, late or again."""
        intents = self._intents()
        for _ in range(times if intents else 0):
            answer = self._tell(pick(intents, which))
            assert answer.status_code == 200, answer.data

    @precondition(lambda self: self.system.rows("payments", "payments"))
    @rule(which=WHICH)
    def forged_webhook_arrives(self, which: int) -> None:
        """A forger says that a payment succeeded; another shop with the same account says that it is its own."""
        row = pick(self.system.rows("payments", "payments"), which)
        metadata = {"payment": str(row["_id"]), "order": row["orderId"]}
        money = {"amount": row["amountCents"], "currency": "usd"}
        answer = self._tell({"id": "pi_forged", "status": "succeeded", "metadata": metadata, **money}, "whsec_guessed")
        assert answer.status_code == 400, "a forged webhook was taken"
        self._charge_for_something_else(str(row["_id"]), row["amountCents"] + 1)

    @precondition(lambda self: self.broker.waiting_for("payments"))
    @rule(behaviour=BEHAVIOURS)
    def deliver_while_the_provider_fails(self, behaviour: dict[str, Any]) -> None:
        """The provider gives no answer to a question for a payment's outcome, nor to a refund."""
        with self._behaving(behaviour):
            for delivery in self.broker.waiting_for("payments"):
                self.broker.attempt(delivery)

    def _confirm(self, browser: Browser, number: str, answer: str) -> None:
        _, intent = browser.confirm(number)
        if intent.get("status") == "requires_action":
            browser.answer(answer)

    def _charge_for_something_else(self, payment: str, amount: int) -> None:
        card = {"confirm": True, "payment_method_types": ["card"], "payment_method": "pm_card_visa"}
        params: Any = {"amount": amount, "currency": "usd", **card}
        self.system.provider.client().v1.payment_intents.create(params | {"metadata": {"payment": payment}})
        assert self._tell(self._intents()[-1]).status_code == 200

    @contextmanager
    def _behaving(self, behaviour: dict[str, Any]) -> Iterator[None]:
        if behaviour:
            self.system.provider.behave(**behaviour)
        yield
        if behaviour:
            self.system.provider.behave()

    def _one_to_pay(self, which: int) -> Order:
        """Mostly an order that can be paid, placed now if there is none; payments hears of it if it can."""
        placed_now = (order for ticket in self.tickets for order in self.order(ticket, ANN, MAX_ORDER))
        unpaid = self.orders_that_are(*UNPAID) or list(islice(placed_now, 1))
        order = pick([*unpaid, *unpaid, pick(list(self.placed.values()), which)], which)
        self.broker.publish()
        for delivery in self._news_of(order, CREATED):
            self.broker.deliver(delivery)
        return order

    def _pay(self, order: Order, card: str, *also_possible: int) -> TestResponse:
        return self._post(order, *also_possible, token=card)

    def _post(self, order: Order, *also_possible: int, **token: str) -> TestResponse:
        hopeless = self._is_known_to_be_cancelled(order) and not self._has_payment(order)
        body = {"orderId": order.id, **token}
        answer = self.system.function("payments-create").call("POST", user=order.buyer, json=body)
        assert answer.status_code in (201, 400, 402, 404, 409, *also_possible), answer.data
        assert not (hopeless and self._has_payment(order)), "paid for an order that was known to be cancelled"
        return answer

    def _is_known_to_be_cancelled(self, order: Order) -> bool:
        known = self.system.stores["payments"]["orders"]
        return known.count_documents({"_id": ObjectId(order.id), "status": "cancelled"}) > 0

    def _has_payment(self, order: Order) -> bool:
        return self.system.stores["payments"]["payments"].count_documents({"orderId": order.id}) > 0

    def _tell(self, intent: Document, secret: str = "") -> TestResponse:
        event = intent["status"] if intent["status"] in ENDS else "payment_failed"
        content = json.dumps({"type": f"payment_intent.{event}", "data": {"object": intent}})
        signature = stripe.WebhookSignature.generate_signature_header(
            content, secret or self.system.provider.webhook_secret
        )
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        return self.system.function("payments-webhook").call("POST", headers=headers, data=content)

    def _tell_at_once(self, charge: Document, end: Delivery, *, slowly: bool) -> None:
        """Both are told, and the one of the charge overtakes the other, or is overtaken if it is told slowly."""
        tell, send = partial(self._tell, charge), partial(self.broker.send, end)
        with process(self.system.function(REPLICATE).environment):
            if slowly:
                told, sent = overlap(tell, send, BEFORE_RECORDING_THE_CHARGE)
            else:
                sent, told = overlap(send, tell, BEFORE_RECORDING_THE_END)
        assert told.status_code == 200, told.data
        self.broker.settle(end, sent)

    def _news_of(self, order: Order, kind: str) -> list[Delivery]:
        waiting = [delivery for delivery in self.broker.waiting if delivery.subscriber == REPLICATE]
        return [d for d in waiting if d.event["type"] == kind and d.data["id"] == order.id]

    def _intents(self) -> list[Document]:
        return list(self.system.provider.ledger()["payment_intents"])

    def _charges(self, order: Order | None = None) -> list[Document]:
        succeeded = [intent for intent in self._intents() if intent["status"] == "succeeded"]
        of_orders = [intent for intent in succeeded if "order" in intent["metadata"]]
        return [intent for intent in of_orders if order is None or intent["metadata"]["order"] == order.id]
