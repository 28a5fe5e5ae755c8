"""payments-settle: on payment.overdue."""

from datetime import timedelta
from typing import Any

import pytest

from functions.payments import provider, repository
from functions.payments.intent import NOT_CHARGED
from tests import browser
from tests.functions.harness import Document, Function, Make, assert_event, event, new_id, refusal, said
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, RECEIVED, PaymentScenario
from tests.properties.system import Time

DECLINED = "Your card was declined."
UNSETTLED = refusal(409, "Payment is not settled yet")


@pytest.fixture
def settle(function: Make) -> Function:
    return function("payments-settle")


@pytest.fixture
def unasked(scenario: PaymentScenario) -> PaymentScenario:
    """A payment that the provider was not asked for."""
    scenario.pay(STRIPE_API_BASE=NOWHERE)
    assert (scenario.status, scenario.row["providerId"], scenario.intents) == ("pending", "", [])
    return scenario


def calls(scenario: PaymentScenario) -> list[str]:
    """What the provider was asked for."""
    return [
        line.split('"message": "')[1].split('"')[0] for line in scenario.provider.log.splitlines() if "/v1/" in line
    ]


def test_records_a_charge_that_was_not_recorded(charged: PaymentScenario) -> None:
    assert charged.settle() == DONE
    [intent] = charged.intents
    assert (charged.status, charged.row["providerId"], charged.charges) == ("succeeded", intent["id"], [1999])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[1], "payment.created", charged.id, data)


def test_records_a_decline_that_was_not_recorded_with_its_reason(scenario: PaymentScenario) -> None:
    scenario.charge("tok_chargeDeclined")
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"], scenario.told) == ("failed", DECLINED, ["failed", "started"])
    assert scenario.ends == ["canceled"]


def test_records_a_decline_without_a_reason(scenario: PaymentScenario) -> None:
    scenario.charge("tok_chargeDeclined")
    scenario.alter_provider("update objects set body = json_remove(body, '$.last_payment_error.message')")
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.row["reason"]) == ("failed", NOT_CHARGED)


def test_a_payment_without_an_intent_fails_and_the_provider_is_not_asked(unasked: PaymentScenario) -> None:
    assert unasked.settle(STRIPE_API_BASE=NOWHERE) == DONE
    assert (unasked.status, unasked.charges) == ("failed", [])
    data = {"id": unasked.id, "orderId": unasked.order["id"], "reason": NOT_CHARGED}
    assert_event(unasked.store.events()[1], "payment.failed", unasked.id, data)


def test_a_payment_that_gets_its_intent_while_it_is_given_up_is_settled_by_that(unasked: PaymentScenario) -> None:
    """The write that fails it finds the row not as it was read."""

    def store() -> str:
        payment = repository.find(unasked.id)
        return repository.store_intent(payment, provider.create_intent(payment).id).status

    settled, stored = overtake(unasked.process, unasked.settle, store, (repository, "_save"))
    assert (settled, stored) == (DONE, "pending")
    assert (unasked.status, unasked.ends) == ("failed", ["canceled"])


def test_an_intent_that_has_no_end_is_cancelled(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="before")
    scenario.pay()
    scenario.provider.behave()
    before = len(calls(scenario))
    assert (scenario.settle(), scenario.status, scenario.ends) == (DONE, "failed", ["canceled"])
    assert [call.split()[0] for call in calls(scenario)[before:]] == ["GET", "POST"]


def test_an_intent_for_another_amount_is_left_to_a_person(charged: PaymentScenario) -> None:
    charged.alter_provider("update objects set body = json_set(body, '$.amount', 1998) where kind like '%intent'")
    before = charged.store.dump()
    assert charged.settle() == FAULT
    assert charged.store.dump() == before


def test_settling_costs_two_calls_in_an_account_of_any_size(charged: PaymentScenario) -> None:
    charged.alter_provider(
        "insert into objects (id, kind, created, body) with recursive n(i) as (select 1 union all select i + 1 from n "
        "where i < 100000) select 'pi_foreign' || i, kind, 1, json_set(body, '$.id', 'pi_foreign' || i, '$.metadata', "
        "json_object()) from n join objects on kind = 'payment_intent'"
    )
    before = len(calls(charged))
    assert (charged.settle(), charged.status) == (DONE, "succeeded")
    assert len(calls(charged)) - before <= 2


def test_a_charge_of_an_order_that_was_cancelled_meanwhile_goes_back(charged: PaymentScenario) -> None:
    charged.cancel()
    assert charged.settle() == DONE
    [intent] = charged.intents
    assert (charged.status, charged.told) == ("refunding", ["overdue", "refund-requested", "started"])
    data = {"id": charged.id, "orderId": charged.order["id"], "amount": 19.99, "providerId": intent["id"]}
    assert_event(charged.store.events()[2], "payment.refund-requested", charged.id, data)


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_the_provider_is_not_asked_about_a_payment_that_is_settled(scenario: PaymentScenario, token: str) -> None:
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


@pytest.mark.parametrize("operation", ["show", "cancel"])
def test_asks_for_the_event_again_while_the_provider_fails(scenario: PaymentScenario, operation: str) -> None:
    scenario.open()
    scenario.cancel()
    scenario.provider.behave(operations=[operation], fail="before")
    assert (scenario.settle(), scenario.status) == (FAULT, "pending")
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status) == (DONE, "failed")


def test_asks_for_the_event_again_if_the_payment_is_unknown(settle: Function) -> None:
    overdue = event("payment.overdue", "payments", {"id": new_id(), "orderId": new_id()})
    assert said(settle.deliver(overdue)) == refusal(404, "Not Found")


def test_a_browsers_payment_is_overdue_again_after_its_orders_time(scenario: PaymentScenario) -> None:
    scenario.open()
    before = scenario.store.dump()
    status, reply = scenario.settle()
    assert isinstance(reply, dict)
    assert (status, reply["type"], reply["notbefore"]) == (200, "dev.ticketing.payment.overdue", "2030-01-01T00:17:00Z")
    assert (reply["id"], reply["data"]) == (f"{scenario.id}-20300101T001500.000000Z", reply["data"])
    assert (scenario.store.dump(), scenario.ends) == (before, ["requires_payment_method"])


def test_one_whose_order_was_renewed_is_overdue_when_that_is_over(scenario: PaymentScenario) -> None:
    scenario.open()
    _, first = scenario.settle()
    scenario.hear("awaiting:payment", 2, expiresAt="2030-01-01T00:20:00Z")
    _, second = scenario.settle()
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert (second["notbefore"], first["id"] == second["id"]) == ("2030-01-01T00:22:00Z", False)


def test_a_browsers_charge_that_no_webhook_told_is_recorded(scenario: PaymentScenario) -> None:
    scenario.open().confirm()
    assert (scenario.settle(), scenario.status, scenario.told) == (DONE, "succeeded", ["created", "started"])


@pytest.mark.parametrize("number", [None, browser.DECLINED, browser.CHALLENGED])
@pytest.mark.parametrize("end", ["cancelled", "expired"])
def test_a_browsers_payment_ends_with_its_order(
    scenario: PaymentScenario, time: Time, number: str | None, end: str
) -> None:
    buyer = scenario.open()
    if number:
        buyer.confirm(number)
    scenario.cancel() if end == "cancelled" else setattr(time, "passed", timedelta(days=9999))
    assert (scenario.settle(), scenario.status, scenario.ends) == (DONE, "failed", ["canceled"])
    assert scenario.row["reason"] == (DECLINED if number == browser.DECLINED else NOT_CHARGED)
    assert buyer.confirm()[0] == 400
    assert scenario.charges == []


def test_a_browsers_charge_that_is_faster_than_the_end_of_its_order_goes_back(scenario: PaymentScenario) -> None:
    scenario.open().confirm()
    scenario.cancel()
    assert (scenario.settle(), scenario.status) == (DONE, "refunding")
    assert [scenario.webhook(), scenario.refund(), scenario.status, scenario.refunds] == [
        RECEIVED,
        DONE,
        "refunded",
        [1999],
    ]


def test_a_browsers_payment_that_is_being_charged_is_waited_for(scenario: PaymentScenario) -> None:
    buyer = scenario.open()
    scenario.provider.behave(charges="processing")
    buyer.confirm()
    scenario.cancel()
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status) == (DONE, "refunding")


def made_by_an_earlier_version(scenario: PaymentScenario) -> PaymentScenario:
    """Let the payment's row be one of the version that stored no intent before it was charged."""
    scenario.store["payments"].update_one({}, {"$set": {"providerId": ""}, "$unset": {"confirmer": ""}})
    return scenario


def intend(scenario: PaymentScenario, metadata: dict[str, str], **params: object) -> None:
    """The provider has an intent that payments-create did not make."""
    card = {"amount": 1999, "currency": "usd", "payment_method_types": ["card"]}
    given: Any = card | {"metadata": metadata} | params
    scenario.provider.client().v1.payment_intents.create(given)


@pytest.mark.parametrize("record", [PaymentScenario.settle, PaymentScenario.webhook])
def test_a_charge_by_an_earlier_version_is_recorded(charged: PaymentScenario, record: Any) -> None:  # noqa: ANN401
    made_by_an_earlier_version(charged)
    assert record(charged)[0] in {200, 204}
    assert (charged.status, charged.row["providerId"]) == ("succeeded", charged.intents[0]["id"])


@pytest.mark.parametrize(
    "asked",
    [None, {"amount": 1998}, {"confirm": True, "amount": 5000, "payment_method": "pm_card_visa"}],
)
def test_a_payment_of_an_earlier_version_without_a_charge_fails(
    unasked: PaymentScenario, asked: Document | None
) -> None:
    made_by_an_earlier_version(unasked)
    if asked:
        intend(unasked, {"payment": unasked.id}, **asked)
    assert (unasked.settle(), unasked.status) == (DONE, "failed")


def test_an_intent_by_an_earlier_version_that_has_no_end_is_cancelled(unasked: PaymentScenario) -> None:
    made_by_an_earlier_version(unasked)
    intend(unasked, {"payment": unasked.id})
    assert (unasked.settle(), unasked.status, unasked.ends) == (DONE, "failed", ["canceled"])
