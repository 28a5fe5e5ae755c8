"""What a shop asks of its payment provider."""

import time
from typing import Any

import requests
from stripe import PaymentIntent, StripeClient, StripeError

from tests.provider import Provider

AMOUNT = 2000
FORM = {"amount": str(AMOUNT), "currency": "usd"}
PAID = {**FORM, "confirm": "true", "payment_method": "pm_card_visa", "payment_method_types[0]": "card"}


def pay(
    client: StripeClient, card: str = "pm_card_visa", key: str | None = None, *, asks: bool = False, **metadata: str
) -> PaymentIntent:
    """An intent that is confirmed at once, with a payment method or a token; its customer could be asked or not."""
    method: dict[str, Any] = {"payment_method": card}
    if card.startswith("tok_"):
        method = {"payment_method_data": {"type": "card", "card": {"token": card}}}
    params: dict[str, Any] = {
        "amount": AMOUNT,
        "currency": "usd",
        "confirm": True,
        "error_on_requires_action": not asks,
        "payment_method_types": ["card"],
        "metadata": metadata,
        **method,
    }
    options: dict[str, Any] = {"idempotency_key": key} if key else {}
    return client.v1.payment_intents.create(params, options)  # type: ignore[arg-type]  # its types have no tokens


def pay_at_last(provider: Provider, payment: str) -> PaymentIntent:
    """Try with the same key until there is an answer."""
    client = provider.client()
    while True:
        try:
            return pay(client, key=payment, payment=payment)
        except StripeError:
            time.sleep(0.05)


def send(provider: Provider, method: str, path: str, form: object = None, **headers: str) -> requests.Response:
    """A request as it goes over the wire; of a GET, the form is the query."""
    sent = {
        "Authorization": f"Bearer {provider.key}",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    place: Any = {"params" if method == "GET" else "data": form}
    return requests.request(method, provider.url + path, headers=sent, timeout=30, **place)


def error(response: requests.Response) -> tuple[int, dict[str, Any]]:
    """Status and error of an answer, without the address of its documentation."""
    told = response.json()["error"]
    told.pop("doc_url", None)
    return response.status_code, told


def refusal(message: str, param: str | None = None, code: str | None = None, status: int = 400) -> object:
    """What `error` makes of a refused request."""
    told = {"type": "invalid_request_error", "message": message, "param": param, "code": code}
    return status, {name: value for name, value in told.items() if value}
