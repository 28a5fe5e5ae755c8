"""Intents that are made without a card and confirmed later, by the shop or by a buyer's browser."""

import re
from typing import Any

import pytest
import requests
from stripe import CardError, InvalidRequestError, PaymentIntent, StripeClient

from tests import browser
from tests.browser import Browser
from tests.keys import PUBLISHABLE_KEY
from tests.provider import TIMEOUT_SECONDS, Provider
from tests.stripe_standin.shop import AMOUNT, pay, refusal, send

NOT_APPROVED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
STATUSES = "requires_payment_method, requires_confirmation, requires_action"


@pytest.fixture
def intent(client: StripeClient) -> PaymentIntent:
    """An intent without a card."""
    params = {"amount": AMOUNT, "currency": "usd", "payment_method_types": ["card"], "metadata": {"payment": "p1"}}
    return client.v1.payment_intents.create(params)  # type: ignore[arg-type]  # types of a later version


@pytest.fixture
def buyer(provider: Provider, intent: PaymentIntent) -> Browser:
    """A browser that has the intent's secret."""
    assert intent.client_secret
    return Browser(provider.url, intent.client_secret)


def test_the_shop_confirms_with_a_token_or_a_payment_method(client: StripeClient, intent: PaymentIntent) -> None:
    assert intent.status == "requires_payment_method"
    token: Any = {"payment_method_data": {"type": "card", "card": {"token": "tok_visa"}}}
    confirmed = client.v1.payment_intents.confirm(intent.id, token)
    assert (confirmed.status, confirmed.amount_received) == ("succeeded", AMOUNT)


def test_an_intent_is_charged_once(client: StripeClient, intent: PaymentIntent) -> None:
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    with pytest.raises(InvalidRequestError, match="it has already succeeded") as raised:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert (raised.value.http_status, raised.value.code) == (400, "payment_intent_unexpected_state")


def test_a_confirmation_needs_a_card(client: StripeClient, intent: PaymentIntent) -> None:
    with pytest.raises(InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(intent.id)


def test_a_card_that_was_given_before_is_confirmed(client: StripeClient) -> None:
    made = client.v1.payment_intents.create({"amount": AMOUNT, "currency": "usd", "payment_method": "pm_card_visa"})
    assert client.v1.payment_intents.confirm(made.id).status == "succeeded"


def test_a_declined_intent_takes_another_card(client: StripeClient, intent: PaymentIntent) -> None:
    with pytest.raises(CardError):
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_chargeDeclined"})
    assert client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


def test_a_cancelled_intent_is_charged_no_more(client: StripeClient, intent: PaymentIntent, buyer: Browser) -> None:
    cancelled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    status, told = buyer.confirm()
    assert (status, told["error"]["code"]) == (400, "payment_intent_unexpected_state")
    with pytest.raises(InvalidRequestError, match=f"status of canceled. .* may be canceled: {STATUSES}."):
        client.v1.payment_intents.cancel(intent.id)


@pytest.mark.parametrize("charges", ["succeeded", "processing"])
def test_what_is_charged_is_not_cancelled(client: StripeClient, provider: Provider, charges: str) -> None:
    provider.behave(charges=charges)
    intent = pay(client)
    with pytest.raises(InvalidRequestError, match=f"because it has a status of {charges}") as raised:
        client.v1.payment_intents.cancel(intent.id)
    assert raised.value.error
    assert raised.value.error.payment_intent
    assert raised.value.error.payment_intent.status == charges


def test_a_browser_pays_and_sees_nothing_of_the_shops(buyer: Browser, provider: Provider) -> None:
    status, intent = buyer.confirm()
    assert (status, intent["status"]) == (200, "succeeded")
    assert not intent.keys() & {"metadata", "latest_charge", "customer"}
    assert buyer.retrieve() == (200, intent)
    assert [found["amount_received"] for found in provider.ledger()["payment_intents"]] == [AMOUNT]


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        (browser.DECLINED, "card_declined", "generic_decline"),
        (browser.POOR, "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", None),
        ("4111 1111 1111 1111", "card_declined", "test_mode_live_card"),
    ],
)
def test_a_browser_hears_why_a_card_is_declined_and_tries_another(
    buyer: Browser, number: str, code: str, decline_code: str | None
) -> None:
    status, told = buyer.confirm(number)
    assert (status, told["error"]["code"], told["error"].get("decline_code")) == (402, code, decline_code)
    assert "metadata" not in told["error"]["payment_intent"]
    assert buyer.confirm()[1]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "4"}, "incorrect_number"),
        ({"number": "x"}, "incorrect_number"),
        ({"exp_month": "13"}, "invalid_expiry_month"),
        ({"exp_year": "2020"}, "invalid_expiry_year"),
        ({"exp_year": "20"}, "invalid_expiry_year"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
def test_what_is_mistyped_is_told(buyer: Browser, card: dict[str, str], code: str) -> None:
    status, told = buyer.confirm(**card)
    assert (status, told["error"]["code"]) == (402, code)
    assert buyer.retrieve()[1]["status"] == "requires_payment_method"


@pytest.mark.parametrize("number", [browser.CHALLENGED, "4000002500003155", "4000000000003220"])
def test_a_buyer_approves(buyer: Browser, number: str) -> None:
    status, intent = buyer.confirm(number)
    assert (status, intent["status"], intent["next_action"]["type"]) == (200, "requires_action", "use_stripe_sdk")
    buyer.approve()
    assert buyer.retrieve()[1]["status"] == "succeeded"


def test_a_buyer_refuses_and_tries_another_card(buyer: Browser) -> None:
    buyer.confirm(browser.CHALLENGED)
    buyer.refuse()
    _, intent = buyer.retrieve()
    error = intent["last_payment_error"]
    assert (intent["status"], error["code"]) == ("requires_payment_method", "payment_intent_authentication_failure")
    assert error["message"] == NOT_APPROVED
    assert buyer.confirm()[1]["status"] == "succeeded"


def test_an_old_challenge_changes_nothing(buyer: Browser, client: StripeClient, intent: PaymentIntent) -> None:
    _, challenged = buyer.confirm(browser.CHALLENGED)
    page = challenged["next_action"]["use_stripe_sdk"]["stripe_js"]
    buyer.confirm(browser.CHALLENGED)
    requests.post(page, data={"answer": "approve"}, timeout=TIMEOUT_SECONDS)
    assert buyer.retrieve()[1]["status"] == "requires_action"
    client.v1.payment_intents.cancel(intent.id)
    requests.post(page, data={"answer": "approve"}, timeout=TIMEOUT_SECONDS)
    assert buyer.retrieve()[1]["status"] == "canceled"
    assert requests.post(page + "x", data={"answer": "approve"}, timeout=TIMEOUT_SECONDS).status_code == 404


@pytest.mark.parametrize("change", [lambda secret: secret + "x", lambda secret: secret[:-1] + "é", lambda _: "x"])
def test_a_browser_needs_the_intents_secret(intent: PaymentIntent, provider: Provider, change: object) -> None:
    assert callable(change)
    other = Browser(provider.url, intent.client_secret or "")
    other._secret = change(intent.client_secret)
    for status, told in (other.confirm(), other.retrieve()):
        assert (status, told["error"]["param"]) == (400, "client_secret")
    assert provider.ledger()["payment_intents"][0]["amount_received"] == 0


def test_a_browser_needs_the_shops_key(intent: PaymentIntent, provider: Provider) -> None:
    status, told = Browser(provider.url, intent.client_secret or "", "pk_test_of_another").confirm()
    assert (status, told["error"]["message"]) == (401, "Invalid API Key provided: ********ther")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("GET", ""), ("POST", "/pi_x/cancel"), ("GET", "/search"), ("POST", "/../refunds")],
)
def test_a_browser_may_do_nothing_else(provider: Provider, method: str, path: str) -> None:
    key = {"Authorization": f"Bearer {PUBLISHABLE_KEY}"}
    response = send(provider, method, f"/v1/payment_intents{path}", {"amount": "2000", "currency": "usd"}, **key)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "secret_key_required")


def test_a_card_number_comes_from_browsers_only(provider: Provider, intent: PaymentIntent) -> None:
    form = {"payment_method_data[type]": "card", "payment_method_data[card][number]": "4242424242424242"}
    response = send(provider, "POST", f"/v1/payment_intents/{intent.id}/confirm", form)
    told = response.json()["error"]
    assert (response.status_code, told["code"]) == (400, "parameter_unknown")


def test_scripts_of_any_site_may_ask(provider: Provider) -> None:
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = requests.options(f"{provider.url}/v1/payment_intents/pi_x/confirm", headers=asked, timeout=30)
    answer = send(provider, "GET", "/v1/payment_intents/pi_x", Origin="https://shop.example")
    assert preflight.status_code == 200
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    assert [found.headers["Access-Control-Allow-Origin"] for found in (preflight, answer)] == ["*", "*"]


def test_it_serves_the_script_of_the_card_form(provider: Provider) -> None:
    script = requests.get(f"{provider.url}/v3/", timeout=30)
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert re.findall(r'label: "([^"]+)"', script.text) == ["Card number", "Expiry", "CVC"]


def test_an_unknown_intent_is_not_found(provider: Provider) -> None:
    status, told = Browser(provider.url, "pi_x_secret_y").confirm()
    expected = refusal("No such payment_intent: 'pi_x'", "intent", "resource_missing", 404)
    told["error"].pop("doc_url")
    assert (status, told["error"]) == expected
