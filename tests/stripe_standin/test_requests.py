"""Requests as they go over the wire: keys, parameters, addresses, and how wrong ones are refused."""

import base64

import pytest
import requests

from local.stripe_standin.api import API_VERSION
from tests.provider import Provider
from tests.stripe_standin.shop import FORM, PAID, error, refusal, send

INTENTS = "/v1/payment_intents"


@pytest.mark.parametrize(
    ("authorization", "beginning"),
    [
        ("", "You did not provide an API key."),
        ("Bearer", "You did not provide an API key."),
        ("Basic !", "You did not provide an API key."),
        ("Bearer sk_test_another", "Invalid API Key provided: ********ther"),
        ("Bearer sk_test_é", r"Invalid API Key provided: ********st_\udce9"),
        ("Basic " + base64.b64encode(b"sk_test_another:").decode(), "Invalid API Key provided: ********ther"),
    ],
)
def test_no_other_key_may(provider: Provider, authorization: str, beginning: str) -> None:
    response = send(provider, "POST", INTENTS, PAID, Authorization=authorization)
    status, told = error(response)
    assert (status, told["type"]) == (401, "invalid_request_error")
    assert told["message"].startswith(beginning)
    assert provider.ledger()["payment_intents"] == []


def test_the_key_may_be_a_user_name(provider: Provider) -> None:
    response = requests.post(provider.url + INTENTS, data=FORM, auth=(provider.key, ""), timeout=30)
    assert response.status_code == 200


def test_every_answer_has_an_id(provider: Provider) -> None:
    answers = [send(provider, "GET", INTENTS, Stripe_Version=API_VERSION), send(provider, "GET", "/v1/nothing")]
    ids = {answer.headers["Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert all(found.startswith("req_") for found in ids)


def test_another_version_of_the_api_is_refused(provider: Provider) -> None:
    newer = send(provider, "POST", INTENTS, PAID, Stripe_Version="2026-10-28.endive")
    assert error(newer) == refusal(f"Here the API is as in version {API_VERSION}, not 2026-10-28.endive.")
    assert provider.ledger()["payment_intents"] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "1"}, refusal("Received unknown parameter: price", "price", "parameter_unknown")),
        ({"a": "1", "b": "2"}, refusal("Received unknown parameters: a, b", "a", "parameter_unknown")),
        (
            {"payment_method_data[card][pin]": "1", "payment_method_data[type]": "card"},
            refusal(
                "Received unknown parameter: payment_method_data[card][pin]",
                "payment_method_data[card][pin]",
                "parameter_unknown",
            ),
        ),
        (
            {"payment_method_data[type]": "card", "payment_method_data[card]": "visa"},
            refusal("Invalid object", "payment_method_data[card]"),
        ),
        ({"amount": None}, refusal("Missing required param: amount.", "amount", "parameter_missing")),
        ({"amount": "20.00"}, refusal("Invalid integer: 20.00", "amount", "parameter_invalid_integer")),
        ({"amount": "49"}, refusal("Amount must be at least $0.50 usd", "amount", "amount_too_small")),
        (
            {"amount": "-1"},
            refusal("This value must be greater than or equal to 1.", "amount", "parameter_invalid_integer"),
        ),
        (
            {"amount": "100000000"},
            refusal("Amount must be no more than $999,999.99", "amount", "amount_too_large"),
        ),
        ({"confirm": "yes"}, refusal("Invalid boolean: yes", "confirm")),
        (
            {"currency": "eur"},
            refusal("Invalid currency: eur. Stripe currently supports these currencies: usd", "currency"),
        ),
        ({"payment_method_types": "card"}, refusal("Invalid array", "payment_method_types")),
        ({"metadata": "x"}, refusal("Invalid object", "metadata")),
        ({"metadata[": "x"}, refusal("Invalid parameter name: metadata[", "metadata[")),
        (
            {"metadata[payment]": "x" * 501},
            refusal("Metadata values can have up to 500 characters, but you passed in one of 501.", "metadata"),
        ),
        (
            {"error_on_requires_action": "true"},
            refusal("error_on_requires_action can only be used with confirm=true.", "error_on_requires_action"),
        ),
        (
            {"confirm": "true", "payment_method_types[0]": "card"},
            refusal(
                "You cannot confirm this PaymentIntent because it's missing a payment method.",
                code="payment_intent_unexpected_state",
            ),
        ),
        (
            {"confirm": "true", "payment_method": "pm_card_visa", "error_on_requires_action": "true"},
            refusal(
                "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
                "these payment methods might redirect your customer off of your page, you must provide a `return_url`."
            ),
        ),
    ],
)
def test_wrong_parameters_are_refused(provider: Provider, changes: dict[str, str | None], expected: object) -> None:
    form = {name: value for name, value in {**FORM, **changes}.items() if value is not None}
    assert error(send(provider, "POST", INTENTS, form)) == expected
    assert provider.ledger()["payment_intents"] == []


def test_an_empty_parameter_is_refused(provider: Provider) -> None:
    status, told = error(send(provider, "POST", INTENTS, {**FORM, "currency": ""}))
    assert (status, told["code"], told["param"]) == (400, "parameter_invalid_empty", "currency")


@pytest.mark.parametrize("amount", ["50", "99999999"])
def test_the_smallest_and_the_largest_amount_are_taken(provider: Provider, amount: str) -> None:
    assert send(provider, "POST", INTENTS, {**PAID, "amount": amount}).json()["amount_received"] == int(amount)


def test_lists_and_objects_are_spelled_with_brackets(provider: Provider) -> None:
    form = "amount=2000&currency=usd&confirm=true&metadata[order]=a%26b&expand[]=latest_charge"
    form += "&payment_method_types[]=card"
    form += "&payment_method_data[type]=card&payment_method_data[card][token]=tok_visa"
    answer = send(provider, "POST", INTENTS, form, Content_Type="application/x-www-form-urlencoded").json()
    assert (answer["metadata"], answer["latest_charge"]["paid"]) == ({"order": "a&b"}, True)


def test_a_token_is_no_payment_method(provider: Provider) -> None:
    status, told = error(send(provider, "POST", INTENTS, {**PAID, "payment_method": "tok_visa"}))
    assert (status, told["param"]) == (400, "payment_method")
    assert told["message"].startswith("A token may not be passed in as a PaymentMethod.")


def test_a_card_is_named_once(provider: Provider) -> None:
    both = {**PAID, "payment_method_data[type]": "card", "payment_method_data[card][token]": "tok_visa"}
    status, told = error(send(provider, "POST", INTENTS, both))
    assert (status, told["code"]) == (400, "parameters_exclusive")


def test_json_is_refused(provider: Provider) -> None:
    response = requests.post(provider.url + INTENTS, json=FORM, auth=(provider.key, ""), timeout=30)
    assert response.status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "form", "expected"),
    [
        ("GET", "/v1/payment_intents/pi_x", {}, ("payment_intent: 'pi_x'", "intent", 404)),
        ("GET", "/v1/refunds/re_x", {}, ("refund: 're_x'", "refund", 404)),
        ("POST", "/v1/refunds", {"payment_intent": "pi_x"}, ("payment_intent: 'pi_x'", "payment_intent", 400)),
        ("GET", "/v1/refunds", {"payment_intent": "pi_x"}, ("payment_intent: 'pi_x'", "payment_intent", 400)),
        ("GET", "/v1/payment_intents", {"starting_after": "pi_x"}, ("payment_intent: 'pi_x'", "starting_after", 400)),
    ],
)
def test_what_is_not_there_is_not_found(
    provider: Provider, method: str, path: str, form: dict[str, str], expected: tuple[str, str, int]
) -> None:
    what, param, status = expected
    assert error(send(provider, method, path, form)) == refusal(f"No such {what}", param, "resource_missing", status)


@pytest.mark.parametrize("limit", ["0", "101", "x"])
def test_a_page_has_1_to_100_items(provider: Provider, limit: str) -> None:
    status, told = error(send(provider, "GET", INTENTS, {"limit": limit}))
    assert (status, told["code"], told["param"]) == (400, "parameter_invalid_integer", "limit")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/charges"), ("DELETE", INTENTS), ("POST", "/v1/refunds/re_1")]
)
def test_what_it_does_not_do_it_does_not_know(provider: Provider, method: str, path: str) -> None:
    expected = refusal(f"Unrecognized request URL ({method}: {path}).", status=404)
    assert error(send(provider, method, path)) == expected
