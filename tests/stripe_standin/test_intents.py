"""Payment intents: which cards pay, which are declined and how, and how intents are found again."""

import pytest
from stripe import CardError, InvalidRequestError, StripeClient

from tests.provider import Provider
from tests.stripe_standin.shop import AMOUNT, pay

DECLINED = ("card_declined", "generic_decline", "Your card was declined.")
POOR = ("card_declined", "insufficient_funds", "Your card has insufficient funds.")
UNAUTHENTICATED = (
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


@pytest.mark.parametrize("card", ["tok_visa", "pm_card_visa"])
def test_a_good_card_pays(client: StripeClient, card: str) -> None:
    intent = pay(client, card, payment="p1", order="o1")
    assert (intent.status, intent.amount, intent.amount_received) == ("succeeded", AMOUNT, AMOUNT)
    assert intent.metadata.to_dict() == {"payment": "p1", "order": "o1"}
    assert client.v1.payment_intents.retrieve(intent.id).to_dict() == intent.to_dict()


@pytest.mark.parametrize("prefix", ["tok_", "pm_card_"])
@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("chargeDeclined", DECLINED),
        ("chargeDeclinedInsufficientFunds", POOR),
        ("threeDSecure2Required", UNAUTHENTICATED),
    ],
)
def test_a_bad_card_is_declined(
    client: StripeClient, provider: Provider, prefix: str, card: str, expected: tuple[str, ...]
) -> None:
    with pytest.raises(CardError) as raised:
        pay(client, prefix + card, payment="p1")
    told = raised.value.error
    assert told
    assert told.payment_intent
    assert (raised.value.http_status, told.type) == (402, "card_error")
    assert (told.code, told.decline_code, told.message) == expected
    found = client.v1.payment_intents.retrieve(told.payment_intent.id)
    assert found.to_dict() == told.payment_intent.to_dict()
    assert found.status == "requires_payment_method"
    assert found.last_payment_error is not None
    assert (found.last_payment_error.code, found.last_payment_error.message) == (told.code, told.message)
    [intent] = provider.ledger()["payment_intents"]
    assert (intent["amount_received"], intent["metadata"]) == (0, {"payment": "p1"})


@pytest.mark.parametrize(
    ("card", "message", "param"),
    [
        ("pm_x", "No such PaymentMethod: 'pm_x'", "payment_method"),
        ("tok_x", "No such token: 'tok_x'", "payment_method_data[card][token]"),
    ],
)
def test_an_unknown_card_is_refused(
    client: StripeClient, provider: Provider, card: str, message: str, param: str
) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        pay(client, card)
    assert (raised.value.http_status, raised.value.code, raised.value.param) == (400, "resource_missing", param)
    assert raised.value.user_message == message
    assert provider.ledger()["payment_intents"] == []


def test_without_error_on_requires_action_the_customer_would_be_asked(client: StripeClient) -> None:
    intent = pay(client, "pm_card_threeDSecure2Required", asks=True)
    assert (intent.status, intent.amount_received) == ("requires_action", 0)


def test_an_intent_that_is_not_confirmed_takes_no_money(client: StripeClient) -> None:
    bare = client.v1.payment_intents.create({"amount": AMOUNT, "currency": "usd"})
    carded = client.v1.payment_intents.create({"amount": AMOUNT, "currency": "usd", "payment_method": "pm_card_visa"})
    assert (bare.status, bare.amount_received) == ("requires_payment_method", 0)
    assert (carded.status, carded.amount_received) == ("requires_confirmation", 0)


def test_a_charge_is_expanded_on_demand(client: StripeClient) -> None:
    intent = pay(client)
    found = client.v1.payment_intents.retrieve(intent.id, {"expand": ["latest_charge"]})
    charge = found.latest_charge
    assert charge
    assert not isinstance(charge, str)
    assert (charge.id, charge.amount, charge.paid) == (intent.latest_charge, AMOUNT, True)


def test_a_list_is_newest_first_page_by_page(client: StripeClient) -> None:
    paid = [pay(client).id for _ in range(5)]
    first = client.v1.payment_intents.list({"limit": 2})
    assert ([intent.id for intent in first.data], first.has_more) == (paid[:2:-1], True)
    rest = client.v1.payment_intents.list({"limit": 3, "starting_after": first.data[-1].id})
    assert ([intent.id for intent in rest.data], rest.has_more) == (paid[2::-1], False)
    assert [intent.id for intent in first.auto_paging_iter()] == paid[::-1]


def test_a_search_finds_by_metadata(client: StripeClient) -> None:
    mine = pay(client, payment="p1")
    pay(client, payment="p2")
    found = client.v1.payment_intents.search({"query": "metadata['payment']:'p1'"})
    assert [intent.id for intent in found.data] == [mine.id]


@pytest.mark.parametrize("query", ["amount>1", "metadata['payment']", "x", "metadata['payment']:'p' OR amount:1"])
def test_another_search_is_refused(client: StripeClient, query: str) -> None:
    with pytest.raises(InvalidRequestError, match="unable to parse your search query"):
        client.v1.payment_intents.search({"query": query})
