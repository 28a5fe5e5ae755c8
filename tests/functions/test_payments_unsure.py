"""When it cannot be told whether the card was charged: the payment stays pending, until it is settled."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import pytest
import stripe

from functions.payments import messages, provider, repository
from functions.payments.domain import Payment
from functions.payments.intent import NOT_CHARGED
from functions.payments.stripe_client import RETRIES, TIMEOUT_SECONDS
from functions.shared import replication
from functions.shared.web import idempotency
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


RECORDERS: list[Callable[[PaymentScenario], tuple[int, object]]] = [PaymentScenario.settle, PaymentScenario.webhook]


def kill_one_before(scenario: PaymentScenario, module: ModuleType, name: str) -> None:
    body = {"orderId": scenario.order["id"], "token": "tok_visa"}
    killed_before(module.__name__, name, Creation(scenario.process, "payments", body, {}, scenario.buyer))


@pytest.mark.parametrize("operation", ["create", "confirm"])
@pytest.mark.parametrize("failure", ["before", "for_good", "after", "rate_limit"])
def test_a_provider_that_fails_leaves_the_payment_pending(
    scenario: PaymentScenario, operation: str, failure: str
) -> None:
    scenario.provider.behave(operations=[operation], fail=failure)
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.status, scenario.told) == ("pending", ["started"])
    assert bool(scenario.row["providerId"]) == (operation == "confirm")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("slow", ["charge_delay", "delay"])
def test_a_provider_that_is_too_slow_leaves_the_payment_pending(scenario: PaymentScenario, slow: str) -> None:
    scenario.provider.behave(operations=["confirm"], **{slow: 10})
    assert scenario.pay() == IN_PROGRESS
    assert scenario.status == "pending"
    scenario.provider.behave()
    eventually(lambda: scenario.charges == [1999])


def test_the_provider_is_not_waited_for_as_long_as_a_request_may_take() -> None:
    tries = (1 + RETRIES) * sum(TIMEOUT_SECONDS)
    call = tries + RETRIES * stripe.HTTPClient.INITIAL_DELAY
    create_confirm_and_cancel = 3 * call
    assert replication.PATIENCE_SECONDS + create_confirm_and_cancel < idempotency.REQUEST_LIMIT.total_seconds()


def test_a_provider_that_is_away_leaves_the_payment_pending(scenario: PaymentScenario) -> None:
    assert scenario.pay(STRIPE_API_BASE=NOWHERE) == IN_PROGRESS
    assert (scenario.status, scenario.charges) == ("pending", [])


def test_a_key_that_the_provider_refuses_is_a_fault_of_ours(scenario: PaymentScenario) -> None:
    assert scenario.pay(STRIPE_KEY="sk_test_of_somebody_else") == FAULT
    assert (scenario.status, scenario.charges) == ("pending", [])


def test_no_second_payment_is_made_while_that_is_so(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    scenario.pay()
    scenario.provider.behave()
    assert scenario.pay() == IN_PROGRESS
    assert scenario.charges == [1999]


def test_a_charge_whose_answer_was_cut_off_is_found_and_recorded(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
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


@pytest.mark.parametrize(("module", "name"), [(repository, "store_intent"), (provider, "confirm")])
def test_what_died_before_the_intent_was_confirmed_fails(
    scenario: PaymentScenario, module: ModuleType, name: str
) -> None:
    kill_one_before(scenario, module, name)
    assert (scenario.settle(), scenario.status, scenario.row["reason"]) == (DONE, "failed", NOT_CHARGED)
    assert (scenario.charges, scenario.pay()) == ([], CANCELLED)


@pytest.mark.parametrize(("module", "name"), [(repository, "add"), (messages, "event")])
def test_what_died_before_the_payment_was_stored_can_be_paid_again(
    scenario: PaymentScenario, module: ModuleType, name: str
) -> None:
    """Its intent may have been created: it has no card, and is another one than that of the payment."""
    kill_one_before(scenario, module, name)
    assert (scenario.store["payments"].count_documents({}), scenario.charges) == (0, [])
    assert (scenario.pay(), scenario.charges) == ((201, {"id": scenario.id}), [1999])


def test_the_intent_of_a_payment_that_came_second_is_cancelled(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    scenario.pay()
    scenario.provider.behave()
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.row["providerId"], scenario.ends) == (scenario.intents[0]["id"], ["succeeded", "canceled"])


def test_a_database_that_fails_leaves_an_intent_that_is_cancelled(
    scenario: PaymentScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "add", lambda *_: 1 / 0)
        assert scenario.pay() == FAULT
    assert scenario.ends == ["canceled"]
    assert (scenario.pay()[0], scenario.charges) == (201, [1999])


def test_of_twenty_clicks_at_once_one_charges(scenario: PaymentScenario) -> None:
    answers = at_once(scenario.process, lambda _: scenario.pay(), range(20), threads=20)
    assert [answer[0] for answer in answers].count(201) == 1
    assert all(answer in ((201, {"id": scenario.id}), IN_PROGRESS, PAID) for answer in answers)
    assert (scenario.charges, scenario.told) == ([1999], ["created", "started"])


def test_a_second_click_while_the_provider_is_asked_is_told_so(scenario: PaymentScenario) -> None:
    first, second = overtake(scenario.process, scenario.pay, scenario.pay, (provider, "confirm"))
    assert (first, second) == ((201, {"id": scenario.id}), IN_PROGRESS)
    assert scenario.charges == [1999]


def test_of_two_clicks_that_saw_the_order_unpaid_one_charges(scenario: PaymentScenario) -> None:
    first, second = overtake(scenario.process, scenario.pay, scenario.pay, (repository, "add"))
    assert (first, second) == (PAID, (201, {"id": scenario.id}))
    assert scenario.charges == [1999]


def test_the_payments_id_is_the_intents_key_so_one_is_made(scenario: PaymentScenario) -> None:
    scenario.pay()
    before = scenario.intents
    with process(scenario.process.environment):
        payment = repository.find(scenario.id)
        assert provider.create_intent(payment).id == payment.intent_id
    assert scenario.intents == before


@pytest.mark.parametrize("where", [(provider, "create_intent"), (repository, "store_intent"), (provider, "confirm")])
def test_a_payment_that_was_given_up_cannot_be_charged(
    scenario: PaymentScenario, where: tuple[ModuleType, str]
) -> None:
    paid, settled = overtake(scenario.process, scenario.pay, scenario.settle_once_stored, where)
    assert (paid, settled) == (refusal(402, NOT_CHARGED), DONE)
    assert (scenario.status, scenario.charges, scenario.told) == ("failed", [], ["failed", "started"])
    assert scenario.pay() == CANCELLED


def test_without_the_condition_on_the_stored_intent_it_can(
    scenario: PaymentScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store_anyway(payment: Payment, intent_id: str) -> Payment:
        scenario.store["payments"].update_one({}, {"$set": {"providerId": intent_id}})
        return replace(payment, intent_id=intent_id)

    monkeypatch.setattr(repository, "store_intent", store_anyway)
    paid, settled = overtake(scenario.process, scenario.pay, scenario.settle_once_stored, (provider, "create_intent"))
    assert (paid, settled) == (CANCELLED, DONE)
    assert (scenario.status, scenario.charges) == ("refunding", [1999])


def test_an_order_that_is_cancelled_ends_the_charge_that_is_under_way(scenario: PaymentScenario) -> None:
    def cancel() -> list[tuple[int, object]]:
        return [scenario.cancel(), scenario.settle()]

    paid, ended = overtake(scenario.process, scenario.pay, cancel, (provider, "confirm"))
    assert (paid, ended) == (refusal(402, NOT_CHARGED), [DONE, DONE])
    assert (scenario.status, scenario.charges, scenario.ends) == ("failed", [], ["canceled"])


@pytest.mark.usefixtures("hasty")
def test_a_charge_that_lands_after_its_payment_was_settled_is_refused(scenario: PaymentScenario) -> None:
    scenario.provider.behave(charge_delay=3)
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.settle(), scenario.status, scenario.ends) == (DONE, "failed", ["canceled"])
    eventually(lambda: scenario.provider.log.count("/confirm") >= 2)  # both tries, of which the second came too early
    assert (scenario.charges, scenario.ends) == ([], ["canceled"])


def test_a_charge_that_is_processing_is_waited_for(scenario: PaymentScenario) -> None:
    scenario.provider.behave(charges="processing")
    assert scenario.pay() == IN_PROGRESS
    assert (scenario.settle(), scenario.status) == (UNSETTLED, "pending")
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status, scenario.charges) == (DONE, "succeeded", [1999])


def test_a_request_that_the_provider_refuses_is_a_fault_of_ours(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm", "show"], fail="refuse")
    assert scenario.pay() == FAULT
    assert (scenario.settle(), scenario.status, scenario.told) == (FAULT, "pending", ["started"])
    scenario.provider.behave()
    assert (scenario.settle(), scenario.status, scenario.row["reason"]) == (DONE, "failed", NOT_CHARGED)


@pytest.mark.parametrize("recorded_by", ["webhook", "settle"])
def test_a_charge_that_another_records_first_is_answered_as_ever(scenario: PaymentScenario, recorded_by: str) -> None:
    paid, other = overtake(scenario.process, scenario.pay, getattr(scenario, recorded_by), (repository, "update"))
    assert (paid, other[0] // 100) == ((201, {"id": scenario.id}), 2)
    assert (scenario.status, scenario.told) == ("succeeded", ["created", "started"])


def test_a_charge_is_recorded_once_by_any_number_at_once(charged: PaymentScenario) -> None:
    answers = at_once(charged.process, lambda record: record(charged), RECORDERS * 5, threads=10)
    assert all(answer in (DONE, RECEIVED) for answer in answers)
    assert (charged.status, charged.charges, charged.told) == ("succeeded", [1999], ["created", "started"])
