"""payments-settle: on payment.overdue."""

from typing import Any

import pytest

from tests.functions.harness import Function, Make, assert_event, event, new_id, refusal, said
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, Till

UNMADE = "The payment could not be made"
DECLINED = "Your card was declined."


@pytest.fixture
def settle(function: Make) -> Function:
    return function("payments-settle")


def intend(till: Till, metadata: dict[str, str], **params: object) -> None:
    """The provider has an intent that was not made by payments-create."""
    card = {"amount": 1999, "currency": "usd", "payment_method_types": ["card"]}
    given: Any = card | {"metadata": metadata} | params
    till.provider.client().v1.payment_intents.create(given)


def unasked(till: Till) -> Till:
    """A payment that the provider was not asked for."""
    till.pay(STRIPE_API_BASE=NOWHERE)
    assert (till.status, till.provider.ledger()["payment_intents"]) == ("pending", [])
    return till


def test_records_a_charge_that_nobody_recorded(charged: Till) -> None:
    assert charged.settle() == DONE
    [intent] = charged.provider.ledger()["payment_intents"]
    assert (charged.status, charged.row["providerId"], charged.charges) == ("succeeded", intent["id"], [1999])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[1], "payment.created", charged.id, data)


def test_records_a_decline_that_nobody_recorded_with_its_reason(till: Till) -> None:
    till.charge("tok_chargeDeclined")
    assert till.settle() == DONE
    assert (till.status, till.row["reason"], till.told) == ("failed", DECLINED, ["failed", "started"])


def test_records_a_decline_without_a_reason(till: Till) -> None:
    till.charge("tok_chargeDeclined")
    till.alter_provider("update objects set body = json_remove(body, '$.last_payment_error.message')")
    assert till.settle() == DONE
    assert (till.status, till.row["reason"]) == ("failed", UNMADE)


def test_a_payment_that_the_provider_knows_nothing_of_has_failed(till: Till) -> None:
    unasked(till)
    assert till.settle() == DONE
    assert (till.status, till.charges) == ("failed", [])
    data = {"id": till.id, "orderId": till.order["id"], "reason": UNMADE}
    assert_event(till.store.events()[1], "payment.failed", till.id, data)


@pytest.mark.parametrize("asked", [{"amount": 1998}, {"amount": 199900}])
def test_an_intent_of_another_amount_is_not_ours_whatever_it_says(till: Till, asked: dict[str, object]) -> None:
    unasked(till)
    intend(till, {"payment": till.id}, payment_method="pm_card_visa", confirm=True, **asked)
    assert till.settle() == DONE
    assert (till.status, till.row["reason"]) == ("failed", UNMADE)


@pytest.mark.parametrize(
    "params",
    [{}, {"payment_method": "pm_card_visa"}, {"payment_method": "pm_card_threeDSecure2Required", "confirm": True}],
    ids=["without a card", "not confirmed", "asking for authentication"],
)
def test_a_payment_that_waits_for_somebody_has_failed(till: Till, params: dict[str, object]) -> None:
    unasked(till)
    intend(till, {"payment": till.id}, **params)
    assert till.settle() == DONE
    assert (till.status, till.row["reason"]) == ("failed", UNMADE)


@pytest.mark.parametrize("metadata", [{}, {"payment": "1"}, {"other": "1"}])
def test_a_charge_of_something_else_is_not_taken_for_it(till: Till, metadata: dict[str, str]) -> None:
    unasked(till)
    intend(till, metadata | {"order": till.order["id"]}, payment_method="pm_card_visa", confirm=True)
    assert till.settle() == DONE
    assert till.status == "failed"


def test_finds_a_charge_behind_a_hundred_later_ones(charged: Till) -> None:
    for number in range(101):
        intend(charged, {"payment": str(number)})
    assert charged.settle() == DONE
    assert charged.status == "succeeded"


def test_a_charge_of_an_order_that_was_cancelled_meanwhile_goes_back(charged: Till) -> None:
    charged.cancel()
    assert charged.settle() == DONE
    [intent] = charged.provider.ledger()["payment_intents"]
    assert (charged.status, charged.told) == ("refunding", ["refund-requested", "started"])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[1], "payment.refund-requested", charged.id, data)


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_asks_nobody_about_a_payment_that_is_settled(till: Till, token: str) -> None:
    till.pay(token)
    before = till.store.dump()
    assert till.settle(STRIPE_API_BASE=NOWHERE) == DONE
    assert till.store.dump() == before


def test_settles_once_however_often_the_event_comes(charged: Till) -> None:
    charged.settle()
    before = charged.store.dump()
    assert charged.settle() == DONE
    assert charged.store.dump() == before


def test_asks_for_the_event_again_while_the_provider_is_away(charged: Till) -> None:
    assert charged.settle(STRIPE_API_BASE=NOWHERE) == FAULT
    assert (charged.status, charged.settle(), charged.status) == ("pending", DONE, "succeeded")


def test_asks_for_the_event_again_while_the_provider_fails(charged: Till) -> None:
    charged.provider.behave(fail="before")
    assert charged.settle() == FAULT
    assert charged.status == "pending"


def test_asks_for_the_event_again_if_the_payment_is_unknown(settle: Function) -> None:
    overdue = event("payment.overdue", "payments", {"id": new_id(), "orderId": new_id()})
    assert said(settle.deliver(overdue)) == refusal(404, "Not Found")
