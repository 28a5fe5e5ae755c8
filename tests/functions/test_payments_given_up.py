"""payments-settle gives a payment up only when nobody can charge for it any more."""

import json
from datetime import timedelta

import pytest
from stripe.params import PaymentIntentListParamsCreated

from functions.payments import provider, repository
from functions.payments.domain import Outcome, Payment, PaymentInProgress
from tests.functions.harness import Document, process, refusal
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, PaymentScenario
from tests.properties.system import Time

UNSETTLED = refusal(409, "Payment is not settled yet")
UNMADE = "The payment could not be made"


@pytest.fixture
def unasked(scenario: PaymentScenario) -> PaymentScenario:
    """A payment that the provider was not asked for."""
    scenario.pay(STRIPE_API_BASE=NOWHERE)
    assert (scenario.status, intents(scenario)) == ("pending", [])
    return scenario


def intents(scenario: PaymentScenario) -> list[Document]:
    return list(scenario.provider.ledger()["payment_intents"])


def asked(scenario: PaymentScenario) -> list[str]:
    """What the provider was asked for, so far."""
    told = [json.loads(line)["message"] for line in scenario.provider.log.splitlines()]
    return [message for message in told if "/v1/" in message]


def start(scenario: PaymentScenario, **later: float) -> None:
    """Let the payment have been started so much later."""
    started = scenario.row["startedAt"] + timedelta(**later)
    scenario.store["payments"].update_one({}, {"$set": {"startedAt": started}})


def ask_late(scenario: PaymentScenario) -> None:
    """Whoever started the payment asks for the charge only now."""
    with process(scenario.process.environment), pytest.raises(PaymentInProgress):
        provider.charge(repository.find(scenario.id), "tok_visa")


def test_what_was_given_up_cannot_be_charged(unasked: PaymentScenario) -> None:
    assert unasked.settle() == DONE
    ask_late(unasked)
    assert (unasked.status, unasked.charges) == ("failed", [])


def test_giving_up_leaves_one_intent_that_charges_nobody(
    unasked: PaymentScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "update", lambda *_: 1 / 0)
        assert unasked.settle() == FAULT
    assert unasked.settle() == DONE
    [intent] = intents(unasked)
    assert (intent["status"], intent["amount_received"]) == ("requires_payment_method", 0)
    assert intent["metadata"] == {"fence": unasked.id, "order": unasked.order["id"]}
    assert (unasked.status, unasked.row["reason"]) == ("failed", UNMADE)


@pytest.mark.parametrize("failure", ["before", "after", "rate_limit", "refuse"])
def test_nothing_is_given_up_while_the_provider_fails(unasked: PaymentScenario, failure: str) -> None:
    unasked.provider.behave(fail=failure)
    assert (unasked.settle(), unasked.status) == (FAULT, "pending")


@pytest.mark.parametrize("seconds", [-50, 0, 50])
def test_a_charge_near_its_start_is_found_at_once(charged: PaymentScenario, seconds: int) -> None:
    start(charged, seconds=seconds)
    assert charged.settle() == DONE
    assert (charged.status, len(intents(charged))) == ("succeeded", 1)


@pytest.mark.parametrize("minutes", [-60 * 12, -2, 2, 60 * 12])
def test_a_charge_far_from_its_start_is_found_too(charged: PaymentScenario, minutes: int) -> None:
    """It was asked for late, or our clock was ahead."""
    start(charged, minutes=minutes)
    assert charged.settle() == DONE
    assert (charged.status, charged.charges) == ("succeeded", [1999])


def test_a_charge_whose_key_the_provider_has_forgotten_is_found_too(charged: PaymentScenario, time: Time) -> None:
    start(charged, minutes=-2)
    charged.alter_provider("delete from answers")
    time.passed = timedelta(days=1)
    assert charged.settle() == DONE
    assert (charged.status, charged.charges) == ("succeeded", [1999])


def test_what_others_paid_is_not_looked_through_where_the_key_says_enough(unasked: PaymentScenario) -> None:
    before = len(asked(unasked))
    assert (unasked.settle(), unasked.status) == (DONE, "failed")
    assert asked(unasked)[before:] == ["GET /v1/payment_intents", "POST /v1/payment_intents"]


def test_a_charge_that_is_made_while_it_is_looked_for_is_found(
    scenario: PaymentScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider had the intent already, and tried its card only after it was asked for what there is."""
    intents_of = provider._listed

    def listed(payment: Payment, created: PaymentIntentListParamsCreated) -> Outcome | None:
        found = intents_of(payment, created)
        monkeypatch.setattr(provider, "_listed", intents_of)
        scenario.alter_provider(
            "update objects set body = json_set(body, '$.status', 'succeeded') where kind like '%intent'"
        )
        return found

    scenario.charge("tok_chargeDeclined")
    monkeypatch.setattr(provider, "_listed", listed)
    assert (scenario.settle(), scenario.status) == (DONE, "succeeded")


def test_a_charge_counts_whatever_else_names_the_payment(charged: PaymentScenario) -> None:
    params: Document = {"amount": 1999, "currency": "usd", "metadata": {"payment": charged.id}}
    charged.provider.client().v1.payment_intents.create(params)  # type: ignore[arg-type]
    assert (charged.settle(), charged.status) == (DONE, "succeeded")


def test_what_the_provider_broke_off_is_given_up_when_it_had_time_to_mend_it(
    scenario: PaymentScenario, time: Time
) -> None:
    scenario.provider.behave(fail="for_good")
    scenario.pay()
    scenario.provider.behave()
    time.passed = provider.MENDING - timedelta(minutes=1)
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    time.passed = provider.MENDING
    assert (scenario.settle(), scenario.status, scenario.row["reason"]) == (DONE, "failed", UNMADE)
    ask_late(scenario)
    assert scenario.charges == []


def test_a_card_that_the_provider_does_not_know_is_given_up_as_well(scenario: PaymentScenario, time: Time) -> None:
    scenario.charge("tok_unknown")
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    time.passed = provider.MENDING
    assert (scenario.settle(), scenario.status, scenario.charges) == (DONE, "failed", [])
