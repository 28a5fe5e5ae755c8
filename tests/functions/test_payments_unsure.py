"""When it cannot be told whether the card was charged: the payment stays pending, until it is settled."""

from collections.abc import Callable
from types import ModuleType

import pytest
import stripe

from functions.payments import provider, repository
from functions.shared import replication
from tests.eventually import eventually
from tests.functions.creations import Creation
from tests.functions.harness import at_once, process, refusal
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import DONE, FAULT, NOWHERE, RECEIVED, PaymentScenario

IN_PROGRESS = refusal(409, "Payment in progress")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
PAID = refusal(400, "Order is already paid")
UNSETTLED = refusal(409, "Payment is not settled yet")
GATEWAY_PATIENCE_SECONDS = 15  # Envoy's own default, which envoy.yaml leaves alone
UNMADE = "The payment could not be made"


RECORDERS: list[Callable[[PaymentScenario], tuple[int, object]]] = [PaymentScenario.settle, PaymentScenario.webhook]


def kill_one_before(scenario: PaymentScenario, module: ModuleType, name: str) -> None:
    body = {"orderId": scenario.order["id"], "token": "tok_visa"}
    killed_before(module.__name__, name, Creation(scenario.process, "payments", body, {}, scenario.buyer))


@pytest.mark.parametrize("failure", ["before", "for_good", "after", "rate_limit"])
def test_a_provider_that_fails_leaves_the_payment_pending(scenario: PaymentScenario, failure: str) -> None:
    scenario.provider.behave(fail=failure)
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.status, scenario.told) == ("pending", ["started"])


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("slow", ["charge_delay", "delay"])
def test_a_provider_that_is_too_slow_leaves_the_payment_pending(scenario: PaymentScenario, slow: str) -> None:
    scenario.provider.behave(**{slow: 10})
    assert scenario.pay() == IN_PROGRESS
    assert scenario.status == "pending"
    scenario.provider.behave()
    eventually(lambda: scenario.charges == [1999])


def test_the_provider_is_not_waited_for_as_long_as_the_gateway_waits() -> None:
    tries = (1 + provider.RETRIES) * sum(provider.TIMEOUT_SECONDS)
    pauses = provider.RETRIES * stripe.HTTPClient.INITIAL_DELAY
    assert replication.PATIENCE_SECONDS + tries + pauses < GATEWAY_PATIENCE_SECONDS


def test_a_provider_that_is_away_leaves_the_payment_pending(scenario: PaymentScenario) -> None:
    assert scenario.pay(STRIPE_API_BASE=NOWHERE) == IN_PROGRESS
    assert (scenario.status, scenario.charges) == ("pending", [])


def test_a_key_that_the_provider_refuses_is_a_fault_of_ours(scenario: PaymentScenario) -> None:
    assert scenario.pay(STRIPE_KEY="sk_test_of_somebody_else") == FAULT
    assert (scenario.status, scenario.charges) == ("pending", [])


def test_nobody_pays_again_while_that_is_so(scenario: PaymentScenario) -> None:
    scenario.provider.behave(fail="after")
    scenario.pay()
    scenario.provider.behave()
    assert scenario.pay() == IN_PROGRESS
    assert scenario.charges == [1999]


def test_a_charge_whose_answer_was_cut_off_is_found_and_recorded(scenario: PaymentScenario) -> None:
    scenario.provider.behave(fail="after")
    scenario.pay()
    scenario.provider.behave()
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.charges, scenario.told) == ("succeeded", [1999], ["created", "started"])
    assert scenario.pay() == PAID


def test_a_charge_whose_recording_was_lost_is_found_and_recorded(charged: PaymentScenario) -> None:
    assert (charged.status, charged.told) == ("pending", ["started"])
    assert charged.settle() == DONE
    assert (charged.status, charged.charges, charged.told) == ("succeeded", [1999], ["created", "started"])


def test_a_charge_whose_process_was_killed_is_found_and_recorded(scenario: PaymentScenario) -> None:
    kill_one_before(scenario, repository, "update")
    assert (scenario.status, scenario.charges) == ("pending", [1999])
    assert scenario.pay() == IN_PROGRESS
    assert scenario.settle() == DONE
    assert (scenario.status, scenario.charges, scenario.told) == ("succeeded", [1999], ["created", "started"])


def test_what_died_before_the_provider_was_asked_fails(scenario: PaymentScenario) -> None:
    kill_one_before(scenario, provider, "charge")
    assert (scenario.settle(), scenario.status, scenario.row["reason"]) == (DONE, "failed", UNMADE)
    assert (scenario.charges, scenario.pay()) == ([], CANCELLED)


def test_of_twenty_clicks_at_once_one_charges(scenario: PaymentScenario) -> None:
    answers = at_once(scenario.process, lambda _: scenario.pay(), range(20), threads=20)
    assert [answer[0] for answer in answers].count(201) == 1
    assert all(answer in ((201, {"id": scenario.id}), IN_PROGRESS, PAID) for answer in answers)
    assert (scenario.charges, scenario.told) == ([1999], ["created", "started"])


def test_a_second_click_while_the_provider_is_asked_is_told_so(scenario: PaymentScenario) -> None:
    first, second = overtake(scenario.process, scenario.pay, scenario.pay, (provider, "charge"))
    assert (first, second) == ((201, {"id": scenario.id}), IN_PROGRESS)
    assert scenario.charges == [1999]


def test_of_two_clicks_that_saw_the_order_unpaid_one_charges(scenario: PaymentScenario) -> None:
    first, second = overtake(scenario.process, scenario.pay, scenario.pay, (repository, "add"))
    assert (first, second) == (PAID, (201, {"id": scenario.id}))
    assert scenario.charges == [1999]


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_the_payments_id_is_the_charges_key_so_asking_again_charges_nothing(
    scenario: PaymentScenario, token: str
) -> None:
    scenario.pay(token)
    before = scenario.provider.ledger()["payment_intents"]
    with process(scenario.process.environment):
        provider.charge(repository.find(scenario.id), token)
    assert scenario.provider.ledger()["payment_intents"] == before


@pytest.mark.parametrize("failure", [None, "after"])
def test_a_charge_that_was_given_up_before_it_was_asked_for_is_not_made(
    scenario: PaymentScenario, failure: str | None
) -> None:
    def give_up() -> tuple[int, object]:
        settled = scenario.settle()
        scenario.provider.behave(fail=failure, webhooks="never")
        return settled

    paid, settled = overtake(scenario.process, scenario.pay, give_up, (provider, "charge"))
    assert (paid, settled) == (IN_PROGRESS, DONE)
    assert (scenario.status, scenario.charges, scenario.told) == ("failed", [], ["failed", "started"])
    assert scenario.pay() == CANCELLED


@pytest.mark.usefixtures("hasty")
@pytest.mark.slow
def test_a_charge_that_lands_after_everybody_has_gone_is_waited_for(scenario: PaymentScenario) -> None:
    scenario.provider.behave(charge_delay=10, webhooks="never")
    assert scenario.pay() == IN_PROGRESS
    scenario.provider.behave(webhooks="never")
    eventually(lambda: scenario.settle() == DONE)
    assert (scenario.status, scenario.charges, scenario.told) == ("succeeded", [1999], ["created", "started"])


@pytest.mark.usefixtures("hasty")
def test_a_charge_that_is_under_way_is_settled_when_it_is_no_longer(scenario: PaymentScenario) -> None:
    scenario.provider.behave(charge_delay=3600)
    assert scenario.pay() == IN_PROGRESS
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    scenario.provider.restart()  # it never happens
    assert (scenario.settle(), scenario.status, scenario.charges) == (DONE, "failed", [])


def test_a_charge_that_is_processing_is_waited_for(scenario: PaymentScenario) -> None:
    scenario.provider.behave(charges="processing")
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status, scenario.charges) == (DONE, "succeeded", [1999])


def test_a_request_that_the_provider_refuses_is_a_fault_of_ours(scenario: PaymentScenario) -> None:
    scenario.provider.behave(fail="refuse")
    assert scenario.pay() == FAULT
    assert (scenario.settle(), scenario.status, scenario.told) == (FAULT, "pending", ["started"])
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status, scenario.row["reason"]) == (DONE, "failed", UNMADE)


@pytest.mark.parametrize("recorded_by", ["webhook", "settle"])
def test_a_charge_that_another_records_first_is_answered_as_ever(scenario: PaymentScenario, recorded_by: str) -> None:
    paid, other = overtake(scenario.process, scenario.pay, getattr(scenario, recorded_by), (repository, "update"))
    assert (paid, other[0] // 100) == ((201, {"id": scenario.id}), 2)
    assert (scenario.status, scenario.told) == ("succeeded", ["created", "started"])


def test_whoever_records_a_charge_and_how_many_at_once_it_is_recorded_once(charged: PaymentScenario) -> None:
    answers = at_once(charged.process, lambda record: record(charged), RECORDERS * 5, threads=10)
    assert all(answer in (DONE, RECEIVED) for answer in answers)
    assert (charged.status, charged.charges, charged.told) == ("succeeded", [1999], ["created", "started"])
