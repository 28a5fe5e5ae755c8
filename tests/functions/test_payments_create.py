"""payments-create: POST /api/payments."""

import pytest

from functions.shared import replication
from tests.functions.harness import Document, User, assert_event, new_id, refusal, said
from tests.functions.payment_scenario import DONE, PaymentScenario

NO_ORDER = ("orderId", "OrderId must be provided")
BAD_TOKEN = ("token", "Token must be a card token (tok_...) or a payment method (pm_...)")
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
def test_charges_the_card_and_answers_with_the_payments_id(scenario: PaymentScenario, token: str) -> None:
    assert scenario.pay(token) == (201, {"id": scenario.id})
    assert (scenario.status, scenario.charges) == ("succeeded", [1999])


def test_tells_the_provider_which_payment_of_which_order_it_is(scenario: PaymentScenario) -> None:
    scenario.pay()
    [intent] = scenario.provider.ledger()["payment_intents"]
    assert intent["metadata"] == {"payment": scenario.id, "order": scenario.order["id"]}


def test_emits_payment_started_and_payment_created(scenario: PaymentScenario) -> None:
    scenario.pay()
    started, created = scenario.store.events()
    both = {"id": scenario.id, "orderId": scenario.order["id"]}
    [intent] = scenario.provider.ledger()["payment_intents"]
    assert_event(started, "payment.started", scenario.id, both)
    assert_event(created, "payment.created", scenario.id, both | {"amount": 19.99, "providerId": intent["id"]})


@pytest.mark.parametrize("token", DECLINES)
def test_a_card_that_is_declined_answers_402_with_the_reason(scenario: PaymentScenario, token: str) -> None:
    assert scenario.pay(token) == refusal(402, DECLINES[token])
    assert (scenario.status, scenario.charges, scenario.ends) == ("failed", [], ["canceled"])


def test_emits_payment_failed_with_the_reason_when_the_card_is_declined(scenario: PaymentScenario) -> None:
    scenario.pay("tok_chargeDeclined")
    started, failed = scenario.store.events()
    both = {"id": scenario.id, "orderId": scenario.order["id"]}
    assert_event(started, "payment.started", scenario.id, both)
    assert_event(failed, "payment.failed", scenario.id, both | {"reason": DECLINED})


def test_an_order_whose_card_was_declined_takes_no_other_card(scenario: PaymentScenario) -> None:
    scenario.pay("tok_chargeDeclined")
    before = scenario.store.dump()
    assert scenario.pay("tok_visa") == CANCELLED
    assert (scenario.store.dump(), scenario.charges) == (before, [])


def test_an_order_that_was_paid_is_not_charged_again(scenario: PaymentScenario) -> None:
    scenario.pay()
    before = scenario.store.dump()
    assert scenario.pay() == PAID
    assert (scenario.store.dump(), scenario.charges) == (before, [1999])


def test_an_order_that_expired_after_it_was_paid_is_paid(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert scenario.hear("awaiting:payment", expiresAt=PAST) == DONE
    assert scenario.pay() == PAID


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [("cancelled", {}, CANCELLED), ("complete", {}, PAID), ("awaiting:payment", {"expiresAt": PAST}, EXPIRED)],
)
def test_refuses_an_order_that_cannot_be_paid(
    scenario: PaymentScenario, status: str, changes: Document, expected: tuple[int, object]
) -> None:
    assert scenario.hear(status, **changes) == DONE
    before = scenario.store.dump()
    assert scenario.pay() == expected
    assert (scenario.store.dump(), scenario.provider.ledger()["payment_intents"]) == (before, [])


def test_refuses_an_order_that_expired_before_it_is_cancelled(scenario: PaymentScenario) -> None:
    assert scenario.hear("created", expiresAt=PAST) == DONE
    assert scenario.pay() == EXPIRED
    assert scenario.charges == []


@pytest.mark.parametrize("status", ["created", "awaiting:payment"])
def test_takes_an_order_that_waits_for_its_payment(scenario: PaymentScenario, status: str) -> None:
    assert scenario.hear(status) == DONE
    assert scenario.pay()[0] == 201


def test_refuses_an_order_that_is_unknown(scenario: PaymentScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", 0.1)
    assert said(scenario.post({"orderId": new_id(), "token": "tok_visa"})) == refusal(404, "Not Found")
    assert scenario.provider.ledger()["payment_intents"] == []


@pytest.mark.parametrize("status", ["created", "cancelled", "complete"])
def test_refuses_an_order_of_another_buyer_in_any_status(scenario: PaymentScenario, status: str) -> None:
    scenario.hear(status)
    before = scenario.store.dump()
    body = {"orderId": scenario.order["id"], "token": "tok_visa"}
    assert said(scenario.post(body, User("other@example.com"))) == refusal(401, "Not authorized")
    assert (scenario.store.dump(), scenario.charges) == (before, [])


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_tells_no_other_buyer_that_an_order_has_a_payment(scenario: PaymentScenario, token: str) -> None:
    scenario.pay(token)
    body = {"orderId": scenario.order["id"], "token": "tok_visa"}
    assert said(scenario.post(body, User("other@example.com"))) == refusal(401, "Not authorized")


@pytest.mark.parametrize(
    "token",
    ["", "tok", "tok_", "pm_", "visa", "card_visa", "tok_visa ", " tok_visa", "tok_vi sa", "tok_visa\n",
     "tok-visa", "TOK_visa", "tok_\u00e9", "tok_" + "a" * 251, "tok_visa\u0000", "pi_123", "src_visa", 5, 1.5, True, [],
     ["tok_visa"], {"token": "tok_visa"}],
)  # fmt: skip
def test_refuses_a_malformed_token(scenario: PaymentScenario, token: object) -> None:
    before = scenario.store.dump()
    assert scenario.pay(token) == refusal(400, BAD_TOKEN)
    assert scenario.store.dump() == before


@pytest.mark.parametrize(
    "order_id",
    [None, "", "1", "x" * 24, "a" * 23, "a" * 25, "a" * 24 + "\n", " " + "a" * 24, 5, 1.5, True, [], ["a" * 24],
     {"id": "a" * 24}],
)  # fmt: skip
def test_refuses_a_malformed_order_id(scenario: PaymentScenario, order_id: object) -> None:
    before = scenario.store.dump()
    assert said(scenario.post({"orderId": order_id, "token": "tok_visa"})) == refusal(400, NO_ORDER)
    assert scenario.store.dump() == before


def test_tells_all_bad_fields_at_once(scenario: PaymentScenario) -> None:
    assert said(scenario.post({"orderId": "1", "token": "1"})) == refusal(400, NO_ORDER, BAD_TOKEN)


def test_takes_an_order_id_in_capitals(scenario: PaymentScenario) -> None:
    assert said(scenario.post({"orderId": scenario.order["id"].upper(), "token": "tok_visa"}))[0] == 201


@pytest.mark.parametrize("name", ["amount", "price", "currency", "userId", "status", "providerId"])
@pytest.mark.parametrize("value", [1, "0.50", -5, None])
def test_takes_nothing_else_from_the_client_the_charge_is_the_orders_price(
    scenario: PaymentScenario, name: str, value: object
) -> None:
    body = {"orderId": scenario.order["id"], "token": "tok_visa", name: value}
    assert scenario.post(body).status_code == 201
    assert scenario.charges == [1999]
    assert (scenario.row["amountCents"], scenario.row["status"]) == (1999, "succeeded")


@pytest.mark.parametrize(("price", "cents"), [(0.5, 50), (0.57, 57), (1.1, 110), (999_999.99, 99_999_999)])
def test_charges_the_price_to_the_cent(scenario: PaymentScenario, price: float, cents: int) -> None:
    assert scenario.hear("created", ticket=scenario.order["ticket"] | {"price": price}) == DONE
    assert scenario.pay()[0] == 201
    assert scenario.charges == [cents]
