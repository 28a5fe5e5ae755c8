"""payments-refund: on payment.refund-requested."""

import pytest
from bson import ObjectId

from functions.payments import repository
from tests.functions.harness import Make, assert_event, event, new_id, refusal, said
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, PaymentScenario

UNREFUNDED = refusal(409, "Payment is not refunded yet")


def statuses(scenario: PaymentScenario) -> list[str]:
    return [refund["status"] for refund in scenario.provider.ledger()["refunds"]]


@pytest.fixture
def due(scenario: PaymentScenario) -> PaymentScenario:
    """A payment that is to be given back."""
    scenario.pay()
    scenario.cancel()
    assert (scenario.status, scenario.refunds) == ("refunding", [])
    return scenario


def test_gives_all_of_the_money_back_and_tells_so(due: PaymentScenario) -> None:
    assert due.refund() == DONE
    assert (due.status, due.refunds) == ("refunded", [1999])
    data = {"id": due.id, "orderId": due.order["id"], "amount": 19.99}
    assert_event(due.store.events()[-1], "payment.refunded", due.id, data)


def test_tells_the_provider_which_payment_of_which_order_it_is(due: PaymentScenario) -> None:
    due.refund()
    [refund] = due.provider.ledger()["refunds"]
    [intent] = due.provider.ledger()["payment_intents"]
    assert refund["metadata"] == {"payment": due.id, "order": due.order["id"]}
    assert refund["payment_intent"] == intent["id"]


def test_refunds_once_however_often_the_event_comes(due: PaymentScenario) -> None:
    due.refund()
    before = due.store.dump()
    assert [due.refund(), due.refund(STRIPE_API_BASE=NOWHERE)] == [DONE, DONE]
    assert (due.store.dump(), due.refunds) == (before, [1999])


def test_one_that_died_before_recording_it_refunds_once(due: PaymentScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "update", lambda *_: 1 / 0)
        assert due.refund() == FAULT
    assert (due.status, due.refunds) == ("refunding", [1999])
    assert (due.refund(), due.status, due.refunds) == (DONE, "refunded", [1999])


@pytest.mark.parametrize("failure", ["before", "for_good", "after"])
def test_asks_for_the_event_again_while_the_provider_fails(due: PaymentScenario, failure: str) -> None:
    due.provider.behave(fail=failure)
    assert due.refund() == FAULT
    assert due.status == "refunding"
    due.provider.behave()
    assert (due.refund(), due.status, due.refunds) == (DONE, "refunded", [1999])


def test_asks_for_the_event_again_while_the_provider_is_away(due: PaymentScenario) -> None:
    assert due.refund(STRIPE_API_BASE=NOWHERE) == FAULT
    assert (due.status, due.refunds) == ("refunding", [])


def test_asks_for_the_event_again_if_the_provider_refuses(due: PaymentScenario) -> None:
    due.store["payments"].update_one({"_id": ObjectId(due.id)}, {"$set": {"providerId": "pi_unknown"}})
    assert due.refund() == FAULT
    assert (due.status, due.refunds) == ("refunding", [])


def test_two_that_refund_at_once_record_it_once(due: PaymentScenario) -> None:
    assert overtake(due.process, due.refund, due.refund, (repository, "update")) == (DONE, DONE)
    assert (due.status, due.refunds, due.told.count("refunded")) == ("refunded", [1999], 1)


def test_records_what_was_refunded_by_hand(due: PaymentScenario) -> None:
    due.provider.client().v1.refunds.create({"payment_intent": due.row["providerId"]})
    assert due.refund() == DONE
    assert (due.status, due.refunds) == ("refunded", [1999])


def test_one_that_came_to_nothing_is_left_to_a_person(due: PaymentScenario) -> None:
    due.provider.behave(refunds="failed")
    assert [due.refund(), due.refund(), due.status] == [FAULT, FAULT, "refunding"]
    due.provider.behave()
    assert [due.refund(), due.status, statuses(due)] == [FAULT, "refunding", ["failed"]]
    due.provider.client().v1.refunds.create({"payment_intent": due.row["providerId"]})
    assert [due.refund(), due.status, statuses(due)] == [DONE, "refunded", ["failed", "succeeded"]]


def test_one_that_is_pending_is_waited_for(due: PaymentScenario) -> None:
    due.provider.behave(refunds="pending")
    assert [due.refund(), due.refund(), due.status] == [UNREFUNDED, UNREFUNDED, "refunding"]
    assert (statuses(due), due.told.count("refunded")) == (["pending"], 0)
    due.provider.behave()
    assert [due.refund(), due.status, statuses(due)] == [DONE, "refunded", ["succeeded"]]


def test_one_that_was_pending_and_failed_is_left_to_a_person(due: PaymentScenario) -> None:
    due.provider.behave(refunds="pending")
    due.refund()
    due.provider.behave(refunds="failed")
    assert [due.refund(), due.status, statuses(due)] == [FAULT, "refunding", ["failed"]]


def test_adds_to_what_was_refunded_by_hand(due: PaymentScenario) -> None:
    due.provider.client().v1.refunds.create({"payment_intent": due.row["providerId"], "amount": 500})
    assert [due.refund(), due.status, due.refunds] == [DONE, "refunded", [500, 1499]]


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_gives_nothing_back_that_is_not_due(scenario: PaymentScenario, token: str) -> None:
    scenario.pay(token)
    before = scenario.store.dump()
    assert scenario.refund(STRIPE_API_BASE=NOWHERE) == DONE
    assert (scenario.store.dump(), scenario.refunds) == (before, [])


def test_gives_nothing_back_of_a_payment_that_is_pending(charged: PaymentScenario) -> None:
    assert charged.refund(STRIPE_API_BASE=NOWHERE) == DONE
    assert (charged.status, charged.refunds) == ("pending", [])


def test_asks_for_the_event_again_if_the_payment_is_unknown(function: Make) -> None:
    data = {"id": new_id(), "orderId": new_id(), "amount": 20.0, "providerId": "pi_1"}
    told = event("payment.refund-requested", "payments", data)
    assert said(function("payments-refund").deliver(told)) == refusal(404, "Not Found")
