"""What the stand-in can be told: to be slow, to fail, to decline."""

import time

import pytest
import requests
from stripe import (
    APIConnectionError,
    APIError,
    CardError,
    InvalidRequestError,
    RateLimitError,
    StripeClient,
    StripeError,
)

from tests.eventually import eventually
from tests.provider import Provider
from tests.stripe_standin.shop import AMOUNT, PAID, pay, send


def test_it_can_fail_before_it_charges(client: StripeClient, provider: Provider) -> None:
    provider.behave(fail="before")
    with pytest.raises(APIError) as raised:
        pay(client, key="k1")
    assert (raised.value.http_status, provider.ledger()["payment_intents"]) == (500, [])
    provider.behave()
    assert pay(client, key="k1").status == "succeeded"


def test_it_can_fail_after_it_has_charged(client: StripeClient, provider: Provider) -> None:
    provider.behave(fail="after")
    with pytest.raises(APIConnectionError):
        pay(client, key="k1")
    [charged] = provider.ledger()["payment_intents"]
    provider.behave()
    assert pay(client, key="k1").id == charged["id"]
    assert len(provider.ledger()["payment_intents"]) == 1


@pytest.mark.parametrize(
    ("fail", "error", "said"),
    [("rate_limit", RateLimitError, (429, "rate_limit")), ("refuse", InvalidRequestError, (400, "account_invalid"))],
)
def test_it_can_refuse_to_charge(
    client: StripeClient, provider: Provider, fail: str, error: type[StripeError], said: tuple[int, str]
) -> None:
    provider.behave(fail=fail)
    with pytest.raises(error) as raised:
        pay(client, key="k1")
    told = raised.value.error
    assert told
    assert (raised.value.http_status, told.code, told.param) == (*said, None)
    provider.behave()
    assert pay(client, key="k1").status == "succeeded"


def test_charges_can_take_their_time(client: StripeClient, provider: Provider) -> None:
    provider.behave(charges="processing")
    intent = pay(client, key="k1")
    assert (intent.status, intent.amount_received, intent.latest_charge) == ("processing", 0, None)
    provider.behave(charges="processing", delay=0.1)
    assert client.v1.payment_intents.retrieve(intent.id).status == "processing"
    provider.behave()
    ended = client.v1.payment_intents.retrieve(intent.id)
    assert (ended.status, ended.amount_received) == ("succeeded", intent.amount)
    assert pay(client, key="k1").status == "processing"  # as it was answered the first time


@pytest.mark.parametrize(("end", "refundable"), [("succeeded", 0), ("failed", AMOUNT)])
def test_refunds_can_take_their_time(client: StripeClient, provider: Provider, end: str, refundable: int) -> None:
    intent = pay(client)
    provider.behave(refunds="pending")
    refund = client.v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "pending"
    with pytest.raises(InvalidRequestError, match="has already been refunded"):
        client.v1.refunds.create({"payment_intent": intent.id})
    provider.behave(refunds=end)
    assert client.v1.refunds.retrieve(refund.id).status == end
    [found] = provider.ledger()["payment_intents"]
    assert AMOUNT - found["amount_refunded"] == refundable


def test_refunds_fail_as_well(client: StripeClient, provider: Provider) -> None:
    intent = pay(client)
    provider.behave(fail="after")
    with pytest.raises(APIConnectionError):
        client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "k1"})
    provider.behave()
    [refund] = provider.ledger()["refunds"]
    assert client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "k1"}).id == refund["id"]


def test_it_answers_late(client: StripeClient, provider: Provider) -> None:
    provider.behave(delay=0.5)
    began = time.monotonic()
    pay(client)
    assert time.monotonic() - began >= 0.5


@pytest.mark.slow
def test_a_charge_lands_after_its_caller_has_gone(client: StripeClient, provider: Provider) -> None:
    provider.behave(charge_delay=5)
    began = time.monotonic()
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{provider.url}/v1/payment_intents", PAID, auth=(provider.key, ""), timeout=0.2)
    provider.behave()
    eventually(lambda: bool(client.v1.payment_intents.list().data))
    assert time.monotonic() - began >= 5


def test_it_can_decline_good_cards(client: StripeClient, provider: Provider) -> None:
    provider.behave(decline=1)
    with pytest.raises(CardError, match="Your card was declined"):
        pay(client)


def test_chance_follows_its_seed(client: StripeClient, provider: Provider) -> None:
    outcomes = []
    for _ in range(2):
        provider.behave(decline=0.5, fail="before", probability=0.3, seed=7)
        outcomes.append([_outcome(client) for _ in range(20)])
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {"paid", "declined", "failed"}


def test_what_is_not_named_is_in_order(provider: Provider) -> None:
    provider.behave(delay=0.1, webhooks="twice")
    provider.behave(decline=0.5)
    told = requests.get(f"{provider.url}/test/behaviour", timeout=30).json()
    assert (told["delay"], told["webhooks"], told["decline"]) == (0, "normal", 0.5)


@pytest.mark.parametrize("body", ["{", '{"dealy": 1}', '{"delay": -1}', '{"fail": "often"}', '{"probability": 2}'])
def test_what_it_does_not_understand_it_refuses(provider: Provider, body: str) -> None:
    response = requests.post(f"{provider.url}/test/behaviour", data=body, timeout=30)
    assert response.status_code == 400
    assert send(provider, "POST", "/v1/payment_intents", PAID).ok


def _outcome(client: StripeClient) -> str:
    try:
        pay(client)
    except CardError:
        return "declined"
    except APIError:
        return "failed"
    return "paid"
