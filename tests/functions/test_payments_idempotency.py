"""Idempotency-Key on payments, where the answer is known only when the provider has given its own."""

import pytest

from functions.payments import provider, repository
from functions.shared.web.idempotency import REQUEST_LIMIT
from tests.functions.creations import Creation
from tests.functions.harness import refusal, said
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import CARD, DONE, FAULT, RECEIVED, PaymentScenario
from tests.properties.system import Time

HELD = refusal(409, "A request with this Idempotency-Key is in progress")
IN_PROGRESS = refusal(409, "Payment in progress")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
PAID = refusal(400, "Order is already paid")
DECLINED = refusal(402, "Your card was declined.")


def paying(scenario: PaymentScenario, token: str = CARD) -> Creation:
    """A request with a key."""
    body = {"orderId": scenario.order["id"], "token": token}
    return Creation(scenario.process, "payments", body, body | {"token": "pm_card_visa"}, scenario.buyer)


@pytest.mark.parametrize("token", ["tok_visa", "tok_chargeDeclined"])
def test_what_became_of_the_card_is_told_again(scenario: PaymentScenario, token: str) -> None:
    first = said(paying(scenario, token).post())
    before = scenario.store.dump(), scenario.provider.ledger()
    assert said(paying(scenario, token).post()) == first
    assert first == ((201, {"id": scenario.id}) if token == "tok_visa" else DECLINED)
    assert (scenario.store.dump(), scenario.provider.ledger()) == before


def test_that_the_order_was_cancelled_meanwhile_is_told_again(scenario: PaymentScenario) -> None:
    first, cancelled = overtake(
        scenario.process, lambda: said(paying(scenario).post()), scenario.cancel, (repository, "update")
    )
    assert (first, cancelled) == (CANCELLED, DONE)
    before = scenario.store.dump()
    assert said(paying(scenario).post()) == CANCELLED
    assert scenario.store.dump() == before


@pytest.mark.parametrize("recorded_by", ["webhook", "settle"])
def test_what_another_recorded_first_is_told_again(scenario: PaymentScenario, recorded_by: str) -> None:
    first, other = overtake(
        scenario.process, lambda: said(paying(scenario).post()), getattr(scenario, recorded_by), (repository, "update")
    )
    assert (first, other in (DONE, RECEIVED)) == ((201, {"id": scenario.id}), True)
    assert said(paying(scenario).post()) == first


def test_a_retry_while_the_card_is_charged_waits_for_that(scenario: PaymentScenario) -> None:
    first, second = overtake(
        scenario.process,
        lambda: said(paying(scenario).post()),
        lambda: said(paying(scenario).post()),
        (provider, "confirm"),
    )
    assert (first, second) == ((201, {"id": scenario.id}), HELD)
    assert scenario.charges == [1999]


def test_a_retry_after_a_provider_that_failed_hears_what_became_of_it(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    assert said(paying(scenario).post()) == IN_PROGRESS
    scenario.provider.behave()
    assert said(paying(scenario).post()) == IN_PROGRESS
    scenario.settle()
    assert said(paying(scenario).post()) == (201, {"id": scenario.id})
    assert scenario.charges == [1999]


def test_a_retry_after_a_decline_that_was_settled_hears_of_it(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    assert said(paying(scenario, "tok_chargeDeclined").post()) == IN_PROGRESS
    scenario.provider.behave()
    scenario.settle()
    assert said(paying(scenario, "tok_chargeDeclined").post()) == DECLINED


def test_a_retry_of_what_went_back_hears_that_the_order_is_cancelled(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    assert said(paying(scenario).post()) == IN_PROGRESS
    scenario.provider.behave()
    scenario.cancel()
    scenario.settle()
    assert said(paying(scenario).post()) == CANCELLED


@pytest.mark.parametrize("change", ["key", "body", "no key"])
def test_what_is_no_retry_of_it_hears_that_the_order_is_paid(scenario: PaymentScenario, change: str) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    assert said(paying(scenario).post()) == IN_PROGRESS
    scenario.provider.behave()
    scenario.settle()
    first = paying(scenario)
    other = {
        "key": lambda: first.post("another"),
        "body": lambda: first.post(body=first.other),
        "no key": lambda: first.post(None),
    }
    assert said(other[change]()) == PAID


def test_a_payment_without_a_key_is_nobodys_retry(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert scenario.row["request"] is None
    assert [scenario.pay(), said(paying(scenario).post())] == [PAID, PAID]


def test_a_retry_after_a_crash_between_charge_and_commit_charges_nothing(scenario: PaymentScenario, time: Time) -> None:
    killed_before("functions.payments.repository", "update", paying(scenario))
    assert said(paying(scenario).post()) == HELD
    time.passed = REQUEST_LIMIT
    assert said(paying(scenario).post()) == IN_PROGRESS
    scenario.webhook()
    assert said(paying(scenario).post()) == (201, {"id": scenario.id})
    assert (scenario.charges, scenario.told) == ([1999], ["created", "started"])


def test_one_that_was_taken_over_records_its_charge_all_the_same(scenario: PaymentScenario, time: Time) -> None:
    def later() -> tuple[int, object]:
        time.passed = REQUEST_LIMIT
        return said(paying(scenario).post())

    late, taker = overtake(scenario.process, lambda: said(paying(scenario).post()), later, (provider, "confirm"))
    assert (taker, late) == (IN_PROGRESS, (201, {"id": scenario.id}))
    assert (scenario.status, scenario.charges, scenario.told) == ("succeeded", [1999], ["created", "started"])
    assert said(paying(scenario).post()) == late


def test_a_fault_of_ours_is_not_kept(scenario: PaymentScenario, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(repository, "add", lambda *_: 1 / 0)
        assert said(paying(scenario).post()) == FAULT
    assert said(paying(scenario).post())[0] == 201
