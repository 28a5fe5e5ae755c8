"""payments-create: POST /api/payments."""

import pytest

from functions.shared import clock
from tests.functions.harness import Document, User, assert_event, new_id, refusal, said
from tests.functions.payment_scenario import DONE, Till

NO_ORDER = ("orderId", "OrderId must be provided")
NO_TOKEN = ("token", "Token must be provided")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
EXPIRED = refusal(400, "Cannot pay for an expired order")
PAID = refusal(400, "Order is already paid")
IN_PROGRESS = refusal(409, "Payment in progress")
PAST = "2001-01-01T00:00:00Z"
DECLINED = "Your card was declined."
UNAUTHENTICATED = "Your card was declined. This transaction requires authentication."
DECLINES = {
    "tok_chargeDeclined": DECLINED,
    "pm_card_chargeDeclined": DECLINED,
    "pm_card_visa_chargeDeclined": DECLINED,
    "tok_chargeDeclinedInsufficientFunds": "Your card has insufficient funds.",
    "tok_chargeDeclinedExpiredCard": "Your card has expired.",
    "tok_threeDSecure2Required": UNAUTHENTICATED,
    "pm_card_threeDSecure2Required": UNAUTHENTICATED,
    "tok_unknown": "No such token: 'tok_unknown'",
    "pm_unknown": "No such PaymentMethod: 'pm_unknown'",
}


@pytest.mark.parametrize("token", ["tok_visa", "pm_card_visa", "tok_mastercard"])
def test_charges_the_card_and_answers_with_the_payments_id(till: Till, token: str) -> None:
    assert till.pay(token) == (201, {"id": till.id})
    assert (till.status, till.charges) == ("succeeded", [1999])


def test_tells_the_provider_which_payment_of_which_order_it_is(till: Till) -> None:
    till.pay()
    [intent] = till.provider.ledger()["payment_intents"]
    assert intent["metadata"] == {"payment": till.id, "order": till.order["id"]}


def test_emits_payment_started_and_payment_created(till: Till) -> None:
    till.pay()
    started, created = till.store.events()
    both = {"id": till.id, "orderId": till.order["id"]}
    [intent] = till.provider.ledger()["payment_intents"]
    assert_event(started, "payment.started", till.id, both)
    assert_event(created, "payment.created", till.id, both | {"amount": 19.99, "providerId": intent["id"]})


@pytest.mark.parametrize("token", DECLINES)
def test_a_card_that_is_declined_answers_402_with_the_reason(till: Till, token: str) -> None:
    assert till.pay(token) == refusal(402, DECLINES[token])
    assert (till.status, till.charges) == ("failed", [])


def test_emits_payment_failed_with_the_reason_when_the_card_is_declined(till: Till) -> None:
    till.pay("tok_chargeDeclined")
    started, failed = till.store.events()
    both = {"id": till.id, "orderId": till.order["id"]}
    assert_event(started, "payment.started", till.id, both)
    assert_event(failed, "payment.failed", till.id, both | {"reason": DECLINED})


def test_an_order_whose_card_was_declined_takes_no_other_card(till: Till) -> None:
    till.pay("tok_chargeDeclined")
    before = till.store.dump()
    assert till.pay("tok_visa") == CANCELLED
    assert (till.store.dump(), till.charges) == (before, [])


def test_an_order_that_was_paid_is_not_charged_again(till: Till) -> None:
    till.pay()
    before = till.store.dump()
    assert till.pay() == PAID
    assert (till.store.dump(), till.charges) == (before, [1999])


def test_an_order_that_expired_after_it_was_paid_is_paid(till: Till) -> None:
    till.pay()
    assert till.hear("awaiting:payment", expiresAt=PAST) == DONE
    assert till.pay() == PAID


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [("cancelled", {}, CANCELLED), ("complete", {}, PAID), ("awaiting:payment", {"expiresAt": PAST}, EXPIRED)],
)
def test_refuses_an_order_that_cannot_be_paid(
    till: Till, status: str, changes: Document, expected: tuple[int, object]
) -> None:
    assert till.hear(status, **changes) == DONE
    before = till.store.dump()
    assert till.pay() == expected
    assert (till.store.dump(), till.provider.ledger()["payment_intents"]) == (before, [])


def test_refuses_an_order_that_expired_though_nobody_has_acted_on_it(till: Till) -> None:
    assert till.hear("created", expiresAt=PAST) == DONE
    assert till.pay() == EXPIRED
    assert till.charges == []


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
def test_takes_an_order_that_waits_for_its_payment(till: Till, status: str) -> None:
    assert till.hear(status) == DONE
    assert till.pay()[0] == 201


def test_refuses_an_order_that_is_unknown(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "REPLICATION_PATIENCE_SECONDS", 0.1)
    assert said(till.post({"orderId": new_id(), "token": "tok_visa"})) == refusal(404, "Not Found")
    assert till.provider.ledger()["payment_intents"] == []


@pytest.mark.parametrize("status", ["created", "cancelled", "complete"])
def test_refuses_an_order_of_somebody_else_whatever_its_status(till: Till, status: str) -> None:
    till.hear(status)
    before = till.store.dump()
    body = {"orderId": till.order["id"], "token": "tok_visa"}
    assert said(till.post(body, User("somebody@example.com"))) == refusal(401, "Not authorized")
    assert (till.store.dump(), till.charges) == (before, [])


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_tells_nobody_else_that_an_order_has_a_payment(till: Till, token: str) -> None:
    till.pay(token)
    body = {"orderId": till.order["id"], "token": "tok_visa"}
    assert said(till.post(body, User("somebody@example.com"))) == refusal(401, "Not authorized")


@pytest.mark.parametrize(
    "token",
    [None, "", "tok", "tok_", "pm_", "visa", "card_visa", "tok_visa ", " tok_visa", "tok_vi sa", "tok_visa\n",
     "tok-visa", "TOK_visa", "tok_\u00e9", "tok_" + "a" * 251, "tok_visa\u0000", "pi_123", "src_visa", 5, 1.5, True, [],
     ["tok_visa"], {"token": "tok_visa"}],
)  # fmt: skip
def test_refuses_a_malformed_token(till: Till, token: object) -> None:
    before = till.store.dump()
    assert till.pay(token) == refusal(400, NO_TOKEN)
    assert till.store.dump() == before


@pytest.mark.parametrize(
    "order_id",
    [None, "", "1", "x" * 24, "a" * 23, "a" * 25, "a" * 24 + "\n", " " + "a" * 24, 5, 1.5, True, [], ["a" * 24],
     {"id": "a" * 24}],
)  # fmt: skip
def test_refuses_a_malformed_order_id(till: Till, order_id: object) -> None:
    before = till.store.dump()
    assert said(till.post({"orderId": order_id, "token": "tok_visa"})) == refusal(400, NO_ORDER)
    assert till.store.dump() == before


def test_tells_all_bad_fields_at_once(till: Till) -> None:
    assert said(till.post({"orderId": "1", "token": "1"})) == refusal(400, NO_ORDER, NO_TOKEN)


def test_takes_an_order_id_in_capitals(till: Till) -> None:
    assert said(till.post({"orderId": till.order["id"].upper(), "token": "tok_visa"}))[0] == 201


@pytest.mark.parametrize("name", ["amount", "price", "currency", "userId", "status", "providerId"])
@pytest.mark.parametrize("value", [1, "0.50", -5, None])
def test_takes_nothing_else_from_the_client_the_charge_is_the_orders_price(
    till: Till, name: str, value: object
) -> None:
    body = {"orderId": till.order["id"], "token": "tok_visa", name: value}
    assert till.post(body).status_code == 201
    assert till.charges == [1999]
    assert (till.row["amountCents"], till.row["status"]) == (1999, "succeeded")


@pytest.mark.parametrize(("price", "cents"), [(0.5, 50), (0.57, 57), (1.1, 110), (999_999.99, 99_999_999)])
def test_charges_the_price_to_the_cent(till: Till, price: float, cents: int) -> None:
    assert till.hear("created", ticket=till.order["ticket"] | {"price": price}) == DONE
    assert till.pay()[0] == 201
    assert till.charges == [cents]
