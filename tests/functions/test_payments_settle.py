"""payments-settle: on payment.overdue."""

from typing import Any

import pytest

from tests.functions.harness import Function, Make, assert_event, event, new_id, refusal, said
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, PaymentScenario

UNMADE = "The payment could not be made"
DECLINED = "Your card was declined."


@pytest.fixture
def settle(function: Make) -> Function:
    return function("payments-settle")


def intend(scenario: PaymentScenario, metadata: dict[str, str], **params: object) -> None:
    """The provider has an intent that was not made by payments-create."""
    card = {"amount": 1999, "currency": "usd", "payment_method_types": ["card"]}
    given: Any = card | {"metadata": metadata} | params
    scenario.provider.client().v1.payment_intents.create(given)


def unasked(scenario: PaymentScenario) -> PaymentScenario:
    """A payment that the provider was not asked for."""
    scenario.pay(STRIPE_API_BASE=NOWHERE)
    assert (scenario.status, scenario.provider.ledger()["payment_intents"]) == ("pending", [])
    return scenario


def test_records_a_charge_that_nobody_recorded(charged: PaymentScenario) -> None:
    assert charged.settle() == DONE
    [intent] = charged.provider.ledger()["payment_intents"]
    assert (charged.status, charged.row["providerId"], charged.charges) == ("succeeded", intent["id"], [1999])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[1], "payment.created", charged.id, data)


def test_records_a_decline_that_nobody_recorded_with_its_reason(scenario: PaymentScenario) -> None:
    scenario.charge("tok_chargeDeclined")
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"], scenario.told) == ("failed", DECLINED, ["failed", "started"])


def test_records_a_decline_without_a_reason(scenario: PaymentScenario) -> None:
    scenario.charge("tok_chargeDeclined")
    scenario.alter_provider("update objects set body = json_remove(body, '$.last_payment_error.message')")
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"]) == ("failed", UNMADE)


def test_a_payment_that_the_provider_knows_nothing_of_has_failed(scenario: PaymentScenario) -> None:
    unasked(scenario)
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.charges) == ("failed", [])
    data = {"id": scenario.id, "orderId": scenario.order["id"], "reason": UNMADE}
    assert_event(scenario.store.events()[1], "payment.failed", scenario.id, data)


@pytest.mark.parametrize("asked", [{"amount": 1998}, {"amount": 199900}])
def test_an_intent_of_another_amount_is_not_ours_whatever_it_says(
    scenario: PaymentScenario, asked: dict[str, object]
) -> None:
    unasked(scenario)
    intend(scenario, {"payment": scenario.id}, payment_method="pm_card_visa", confirm=True, **asked)
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"]) == ("failed", UNMADE)


@pytest.mark.parametrize(
    "params",
    [{}, {"payment_method": "pm_card_visa"}, {"payment_method": "pm_card_threeDSecure2Required", "confirm": True}],
    ids=["without a card", "not confirmed", "asking for authentication"],
)
def test_a_payment_that_waits_for_somebody_has_failed(scenario: PaymentScenario, params: dict[str, object]) -> None:
    unasked(scenario)
    intend(scenario, {"payment": scenario.id}, **params)
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"]) == ("failed", UNMADE)


@pytest.mark.parametrize("metadata", [{}, {"payment": "1"}, {"other": "1"}])
def test_a_charge_of_something_else_is_not_taken_for_it(scenario: PaymentScenario, metadata: dict[str, str]) -> None:
    unasked(scenario)
    intend(scenario, metadata | {"order": scenario.order["id"]}, payment_method="pm_card_visa", confirm=True)
    assert scenario.settle() == DONE
    assert scenario.status == "failed"


def test_finds_a_charge_behind_a_hundred_later_ones(charged: PaymentScenario) -> None:
    for number in range(101):
        intend(charged, {"payment": str(number)})
    assert charged.settle() == DONE
    assert charged.status == "succeeded"


def test_a_charge_of_an_order_that_was_cancelled_meanwhile_goes_back(charged: PaymentScenario) -> None:
    charged.cancel()
    assert charged.settle() == DONE
    [intent] = charged.provider.ledger()["payment_intents"]
    assert (charged.status, charged.told) == ("refunding", ["refund-requested", "started"])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[1], "payment.refund-requested", charged.id, data)


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_asks_nobody_about_a_payment_that_is_settled(scenario: PaymentScenario, token: str) -> None:
    scenario.pay(token)
    before = scenario.store.dump()
    assert scenario.settle(STRIPE_API_BASE=NOWHERE) == DONE
    assert scenario.store.dump() == before


def test_settles_once_however_often_the_event_comes(charged: PaymentScenario) -> None:
    charged.settle()
    before = charged.store.dump()
    assert charged.settle() == DONE
    assert charged.store.dump() == before


def test_asks_for_the_event_again_while_the_provider_is_away(charged: PaymentScenario) -> None:
    assert charged.settle(STRIPE_API_BASE=NOWHERE) == FAULT
    assert (charged.status, charged.settle(), charged.status) == ("pending", DONE, "succeeded")


def test_asks_for_the_event_again_while_the_provider_fails(charged: PaymentScenario) -> None:
    charged.provider.behave(fail="before")
    assert charged.settle() == FAULT
    assert charged.status == "pending"


def test_asks_for_the_event_again_if_the_payment_is_unknown(settle: Function) -> None:
    overdue = event("payment.overdue", "payments", {"id": new_id(), "orderId": new_id()})
    assert said(settle.deliver(overdue)) == refusal(404, "Not Found")
