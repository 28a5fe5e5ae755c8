"""Refunds: whole or in part, and never more than was paid."""

import pytest
from stripe import InvalidRequestError, StripeClient

from tests.provider import Provider
from tests.stripe_standin.shop import AMOUNT, pay


def test_a_refund_gives_back_all(client: StripeClient, provider: Provider) -> None:
    intent = pay(client)
    refund = client.v1.refunds.create({"payment_intent": intent.id, "metadata": {"payment": "p1"}})
    assert (refund.status, refund.amount, refund.payment_intent) == ("succeeded", AMOUNT, intent.id)
    assert client.v1.refunds.retrieve(refund.id).to_dict() == refund.to_dict()
    ledger = provider.ledger()
    assert [found["amount_refunded"] for found in ledger["payment_intents"]] == [AMOUNT]
    assert [(found["amount"], found["metadata"]) for found in ledger["refunds"]] == [(AMOUNT, {"payment": "p1"})]


def test_what_is_refunded_already_is_not_refunded_again(client: StripeClient, provider: Provider) -> None:
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(InvalidRequestError) as raised:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert (raised.value.http_status, raised.value.code) == (400, "charge_already_refunded")
    assert raised.value.user_message == f"Charge {intent.latest_charge} has already been refunded."
    assert len(provider.ledger()["refunds"]) == 1


def test_parts_are_refunded_up_to_the_whole(client: StripeClient) -> None:
    intent = pay(client)
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    with pytest.raises(InvalidRequestError, match=r"\(\$15\.01\) is greater than unrefunded amount .* \(\$15\.00\)"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 1501})
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    assert (first.amount, rest.amount) == (500, 1500)
    found = client.v1.refunds.list({"payment_intent": intent.id})
    assert [refund.id for refund in found.data] == [rest.id, first.id]


def test_more_than_was_paid_is_refused(client: StripeClient) -> None:
    intent = pay(client)
    with pytest.raises(InvalidRequestError, match=r"\(\$20\.01\) is greater than charge amount \(\$20\.00\)"):
        client.v1.refunds.create({"payment_intent": intent.id, "amount": AMOUNT + 1})


def test_what_was_not_paid_is_not_refunded(client: StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": AMOUNT, "currency": "usd"})
    with pytest.raises(InvalidRequestError, match="does not have a successful charge to refund"):
        client.v1.refunds.create({"payment_intent": intent.id})


def test_a_list_has_the_refunds_of_one_intent_only(client: StripeClient) -> None:
    one, other = pay(client), pay(client)
    refund = client.v1.refunds.create({"payment_intent": one.id})
    assert [found.id for found in client.v1.refunds.list({"payment_intent": one.id}).data] == [refund.id]
    assert client.v1.refunds.list({"payment_intent": other.id}).data == []
