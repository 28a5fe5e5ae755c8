"""payments-create with a token for what a browser began: it confirms the same intent, so the order is charged once."""

import pytest

from functions.payments import provider, repository
from functions.payments.intent import NOT_CHARGED
from tests import browser
from tests.functions.creations import Creation
from tests.functions.harness import Document, at_once, refusal, said
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import CARD, DONE, RECEIVED, PaymentScenario

IN_PROGRESS = refusal(409, "Payment in progress")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
EXPIRED = refusal(400, "Cannot pay for an expired order")
PAID = refusal(400, "Order is already paid")


def end(scenario: PaymentScenario) -> str:
    """The status of the one intent that is stored."""
    return next(str(found["status"]) for found in scenario.intents if found["id"] == scenario.row["providerId"])


def test_a_token_pays_what_a_browser_began(scenario: PaymentScenario) -> None:
    scenario.open()
    assert scenario.pay() == (201, {"id": scenario.id})
    assert (scenario.status, end(scenario), scenario.charges) == ("succeeded", "succeeded", [1999])
    assert scenario.told == ["created", "started", "started"]  # the second has it settled if this process dies


def test_a_token_that_is_declined_fails_it(scenario: PaymentScenario) -> None:
    buyer = scenario.open()
    assert scenario.pay("tok_chargeDeclined")[0] == 402
    assert (scenario.status, end(scenario)) == ("failed", "canceled")
    assert (buyer.confirm()[0], scenario.charges) == (400, [])


@pytest.mark.parametrize("number", [browser.DECLINED, browser.CHALLENGED])
def test_a_token_pays_after_a_card_that_was_not_charged(scenario: PaymentScenario, number: str) -> None:
    buyer = scenario.open()
    buyer.confirm(number)
    assert scenario.pay() == (201, {"id": scenario.id})
    assert (buyer.retrieve()[1]["status"], scenario.charges) == ("succeeded", [1999])


def test_what_the_browser_paid_meanwhile_is_not_charged_again(scenario: PaymentScenario) -> None:
    buyer = scenario.open()

    def confirm() -> tuple[int, object]:
        return buyer.confirm()

    paid, confirmed = overtake(scenario.process, scenario.pay, confirm, (provider, "confirm"))
    assert (paid, confirmed[0]) == ((201, {"id": scenario.id}), 200)
    assert (scenario.status, scenario.charges) == ("succeeded", [1999])


@pytest.mark.parametrize("where", [(repository, "take_from_browser"), (provider, "confirm"), (repository, "record")])
def test_a_webhook_meanwhile_records_it_once(scenario: PaymentScenario, where: tuple[object, str]) -> None:
    buyer = scenario.open()

    def pay_and_tell() -> tuple[int, object]:
        buyer.confirm()
        return scenario.webhook()

    paid, told = overtake(scenario.process, scenario.pay, pay_and_tell, where)  # type: ignore[arg-type]
    assert (paid, told) == (PAID if where[1] == "take_from_browser" else (201, {"id": scenario.id}), RECEIVED)
    assert (scenario.status, scenario.charges, scenario.told.count("created")) == ("succeeded", [1999], 1)


def test_of_many_tokens_at_once_one_pays(scenario: PaymentScenario) -> None:
    scenario.open()
    answers = at_once(scenario.process, lambda _: scenario.pay(), range(10), threads=10)
    assert [answer[0] for answer in answers].count(201) == 1
    assert all(answer in ((201, {"id": scenario.id}), IN_PROGRESS, PAID) for answer in answers)
    assert scenario.charges == [1999]


def test_a_second_token_meanwhile_is_told_so(scenario: PaymentScenario) -> None:
    scenario.open()
    first, second = overtake(scenario.process, scenario.pay, scenario.pay, (provider, "confirm"))
    assert (first, second, scenario.charges) == ((201, {"id": scenario.id}), IN_PROGRESS, [1999])


def test_an_order_that_is_cancelled_meanwhile_is_not_charged(scenario: PaymentScenario) -> None:
    scenario.open()

    def cancel() -> list[tuple[int, object]]:
        return [scenario.cancel(), scenario.settle()]

    paid, ended = overtake(scenario.process, scenario.pay, cancel, (provider, "confirm"))
    assert (paid, ended) == (refusal(402, NOT_CHARGED), [DONE, DONE])
    assert (scenario.status, scenario.charges) == ("failed", [])


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [("cancelled", {}, CANCELLED), ("created", {"expiresAt": "2001-01-01T00:00:00Z"}, EXPIRED)],
)
def test_an_order_that_has_ended_takes_no_token(
    scenario: PaymentScenario, status: str, changes: Document, expected: tuple[int, object]
) -> None:
    scenario.open()
    scenario.hear(status, **changes)
    assert (scenario.pay(), scenario.charges) == (expected, [])


def test_what_died_with_the_token_is_settled_and_not_left_to_the_browser(scenario: PaymentScenario) -> None:
    scenario.open()
    body = {"orderId": scenario.order["id"], "token": CARD}
    creation = Creation(scenario.process, "payments", body, {}, scenario.buyer)
    killed_before(provider.__name__, "confirm", creation)
    assert (scenario.status, scenario.told) == ("pending", ["started", "started"])
    assert said(scenario.post({"orderId": scenario.order["id"]})) == IN_PROGRESS
    assert (scenario.settle(), scenario.status, end(scenario)) == (DONE, "failed", "canceled")


def test_a_retry_with_its_key_hears_what_became_of_it(scenario: PaymentScenario) -> None:
    scenario.open()
    body = {"orderId": scenario.order["id"], "token": CARD}
    creation = Creation(scenario.process, "payments", body, {}, scenario.buyer)
    scenario.provider.behave(operations=["confirm"], fail="after")
    assert said(creation.post()) == IN_PROGRESS
    scenario.provider.behave()
    scenario.webhook()
    assert (said(creation.post()), scenario.charges) == ((201, {"id": scenario.id}), [1999])
