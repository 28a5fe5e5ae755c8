"""payments-create without a token: the buyer's browser confirms, and the webhook tells the outcome."""

import pytest

from functions.payments import repository
from functions.payments.intent import NOT_CHARGED
from tests import browser
from tests.browser import Browser
from tests.functions.creations import Creation
from tests.functions.harness import Document, User, at_once, refusal, said
from tests.functions.killed import killed_before
from tests.functions.overlap import overtake
from tests.functions.payment_scenario import CARD, DONE, FAULT, NOWHERE, RECEIVED, PaymentScenario

IN_PROGRESS = refusal(409, "Payment in progress")
CANCELLED = refusal(400, "Cannot pay for a cancelled order")
EXPIRED = refusal(400, "Cannot pay for an expired order")
PAID = refusal(400, "Order is already paid")


def ask(scenario: PaymentScenario, user: User | None = None, **environment: str) -> tuple[int, object]:
    """The buyer begins to pay, or goes on."""
    return said(scenario.post({"orderId": scenario.order["id"]}, user, **environment))


def test_answers_with_the_secret_of_an_intent_that_is_not_confirmed(scenario: PaymentScenario) -> None:
    status, body = ask(scenario)
    assert isinstance(body, dict)
    secret = body.pop("clientSecret")
    assert (status, body) == (201, {"id": scenario.id, "status": "requires_payment_method"})
    [intent] = scenario.intents
    assert secret.startswith(f"{intent['id']}_secret_")
    assert (intent["status"], intent["amount"]) == ("requires_payment_method", 1999)
    assert intent["metadata"] == {"payment": scenario.id, "order": scenario.order["id"]}
    assert (scenario.status, scenario.row["providerId"], scenario.told) == ("pending", intent["id"], ["started"])


def test_the_secret_is_not_stored(scenario: PaymentScenario) -> None:
    _, body = ask(scenario)
    assert isinstance(body, dict)
    assert body["clientSecret"] not in repr(scenario.store.dump())


def test_a_token_that_is_null_is_not_there(scenario: PaymentScenario) -> None:
    answer = said(scenario.post({"orderId": scenario.order["id"], "token": None}))
    assert answer == ask(scenario)


@pytest.mark.parametrize("number", [None, browser.DECLINED, browser.CHALLENGED])
def test_asked_again_while_unpaid_it_answers_the_same(scenario: PaymentScenario, number: str | None) -> None:
    first = ask(scenario)
    if number:
        scenario.open().confirm(number)
    before = scenario.store.dump()
    assert [ask(scenario), ask(scenario)] == [first, first]
    assert (scenario.store.dump(), len(scenario.intents)) == (before, 1)


def test_twenty_clicks_at_once_are_one_intent(scenario: PaymentScenario) -> None:
    answers = at_once(scenario.process, lambda _: ask(scenario), range(20), threads=20)
    told = [answer for answer in answers if answer != IN_PROGRESS]  # 409: the provider makes it for another just now
    assert told
    assert all(answer == told[0] for answer in told)
    assert (len(scenario.intents), scenario.told) == (1, ["started"])


def test_a_click_while_the_provider_creates_the_intent_creates_no_other(scenario: PaymentScenario) -> None:
    """The provider answers 409 while the idempotency key is in use, which is no fault of its own."""
    scenario.provider.behave(operations=["create"], delay=2)
    at_once(scenario.process, lambda _: ask(scenario), range(2), threads=2)
    assert len(scenario.intents) == 1


@pytest.mark.parametrize("number", [browser.GOOD, browser.CHALLENGED])
def test_what_the_browser_paid_is_recorded_by_the_webhook(scenario: PaymentScenario, number: str) -> None:
    buyer = scenario.open()
    buyer.confirm(number)
    if number == browser.CHALLENGED:
        buyer.approve()
    assert (scenario.status, scenario.webhook(), scenario.status) == ("pending", RECEIVED, "succeeded")
    assert (scenario.charges, scenario.told) == ([1999], ["created", "started"])
    assert ask(scenario) == PAID


@pytest.mark.parametrize("number", [browser.DECLINED, browser.POOR, browser.CHALLENGED])
def test_a_buyer_whose_card_fails_pays_with_another(scenario: PaymentScenario, number: str) -> None:
    buyer = scenario.open()
    buyer.confirm(number)
    if number == browser.CHALLENGED:
        buyer.refuse()
    assert (scenario.webhook("payment_intent.payment_failed"), scenario.status) == (RECEIVED, "pending")
    assert buyer.confirm()[1]["status"] == "succeeded"
    assert (scenario.webhook(), scenario.status, scenario.charges) == (RECEIVED, "succeeded", [1999])


def test_asked_again_it_records_what_no_webhook_told(scenario: PaymentScenario) -> None:
    scenario.open().confirm()
    assert (ask(scenario), scenario.status, scenario.told) == (PAID, "succeeded", ["created", "started"])


def test_asked_again_while_the_card_is_charged_it_is_in_progress(scenario: PaymentScenario) -> None:
    buyer = scenario.open()
    scenario.provider.behave(charges="processing")
    buyer.confirm()
    assert (ask(scenario), scenario.status) == (IN_PROGRESS, "pending")


def test_an_intent_that_was_cancelled_elsewhere_fails_the_payment(scenario: PaymentScenario) -> None:
    scenario.open()
    scenario.provider.client().v1.payment_intents.cancel(scenario.row["providerId"])
    assert (ask(scenario), scenario.status, scenario.row["reason"]) == (CANCELLED, "failed", NOT_CHARGED)


@pytest.mark.parametrize(
    ("status", "changes", "expected"),
    [
        ("cancelled", {}, CANCELLED),
        ("complete", {}, PAID),
        ("awaiting:payment", {"expiresAt": "2001-01-01T00:00:00Z"}, EXPIRED),
    ],
)
def test_an_order_that_has_ended_gets_no_secret(
    scenario: PaymentScenario, status: str, changes: Document, expected: tuple[int, object]
) -> None:
    scenario.open()
    scenario.hear(status, **changes)
    assert ask(scenario) == expected


def test_a_secret_is_the_buyers_own(scenario: PaymentScenario) -> None:
    scenario.open()
    assert ask(scenario, User("another@example.com")) == refusal(401, "Not authorized")


def test_one_that_a_token_pays_gets_no_secret(scenario: PaymentScenario) -> None:
    scenario.provider.behave(operations=["confirm"], fail="after")
    scenario.pay()
    assert ask(scenario) == IN_PROGRESS


@pytest.mark.parametrize("failure", ["before", "after"])
def test_a_buyer_goes_on_where_the_provider_failed(scenario: PaymentScenario, failure: str) -> None:
    scenario.provider.behave(fail=failure)
    assert ask(scenario) == IN_PROGRESS
    scenario.provider.behave()
    assert scenario.open().confirm()[1]["status"] == "succeeded"
    assert len(scenario.intents) == 1


def test_a_buyer_goes_on_where_a_process_was_killed(scenario: PaymentScenario) -> None:
    body = {"orderId": scenario.order["id"]}
    killed_before("functions.payments.repository", "store_intent_and", creation(scenario, body))
    assert (scenario.row["providerId"], len(scenario.intents)) == ("", 1)
    scenario.open()
    assert (scenario.row["providerId"], len(scenario.intents)) == (scenario.intents[0]["id"], 1)


def test_a_payment_that_is_given_up_meanwhile_gets_no_secret(scenario: PaymentScenario) -> None:
    def give_up() -> list[tuple[int, object]]:
        return [scenario.cancel(), scenario.settle()]

    answer, ended = overtake(scenario.process, lambda: ask(scenario), give_up, (repository, "store_intent_and"))
    assert (answer, ended) == (CANCELLED, [DONE, DONE])
    assert (scenario.status, scenario.row["providerId"]) == ("failed", "")


def test_a_key_replays_the_first_answer(scenario: PaymentScenario) -> None:
    body = {"orderId": scenario.order["id"]}
    first = said(creation(scenario, body).post())
    buyer = Browser(scenario.provider.url, first[1]["clientSecret"])  # type: ignore[index]
    buyer.confirm()
    scenario.webhook()
    assert said(creation(scenario, body).post()) == first
    assert said(creation(scenario, body | {"token": CARD}).post()) == refusal(
        422, "Idempotency-Key was used with another body"
    )


def test_a_provider_that_refuses_is_a_fault_of_ours(scenario: PaymentScenario) -> None:
    assert ask(scenario, STRIPE_KEY="sk_test_of_another") == FAULT
    assert ask(scenario, STRIPE_API_BASE=NOWHERE) == IN_PROGRESS
    assert scenario.status == "pending"


def test_expiry_in_the_middle_of_the_challenge_charges_nothing(scenario: PaymentScenario) -> None:
    buyer = scenario.open()
    _, intent = buyer.confirm(browser.CHALLENGED)
    assert intent["status"] == "requires_action"
    scenario.hear("cancelled", 3)
    assert (scenario.settle(), scenario.status, scenario.ends) == (DONE, "failed", ["canceled"])
    status, after = buyer.retrieve()
    assert (status, after["status"], after["next_action"]) == (200, "canceled", None)
    assert scenario.charges == []


def creation(scenario: PaymentScenario, body: dict[str, str]) -> Creation:
    """A request with a key."""
    return Creation(scenario.process, "payments", body, body | {"token": "pm_card_visa"}, scenario.buyer)
