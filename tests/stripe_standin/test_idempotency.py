"""Idempotency keys: one charge per key, for any number of requests (https://docs.stripe.com/api/idempotent_requests)."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from stripe import CardError, IdempotencyError, StripeClient

from tests.eventually import eventually
from tests.provider import Provider
from tests.stripe_standin.shop import FORM, PAID, error, pay, pay_at_last, send

INTENTS = "/v1/payment_intents"
DAY_SECONDS = 24 * 3600


def test_the_same_again_is_answered_the_same(provider: Provider) -> None:
    first, again = (send(provider, "POST", INTENTS, PAID, Idempotency_Key="k1") for _ in range(2))
    assert (again.status_code, again.text) == (first.status_code, first.text) == (200, first.text)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(provider.ledger()["payment_intents"]) == 1


def test_without_a_key_the_same_again_is_another_charge(client: StripeClient, provider: Provider) -> None:
    assert pay(client).id != pay(client).id
    assert len(provider.ledger()["payment_intents"]) == 2


def test_a_decline_is_repeated_too(client: StripeClient, provider: Provider) -> None:
    raised = []
    for _ in range(2):
        with pytest.raises(CardError) as caught:
            pay(client, "tok_chargeDeclined", "k1")
        raised.append(caught.value.http_body)
    assert raised[0] == raised[1]
    assert len(provider.ledger()["payment_intents"]) == 1


def test_a_refund_is_made_once(client: StripeClient, provider: Provider) -> None:
    intent = pay(client)
    refunds = [client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "k1"}) for _ in range(2)]
    assert refunds[0].id == refunds[1].id
    assert len(provider.ledger()["refunds"]) == 1


def test_a_key_is_of_one_set_of_parameters(client: StripeClient, provider: Provider) -> None:
    pay(client, key="k1", payment="p1")
    with pytest.raises(IdempotencyError, match="with the same parameters they were first used with") as raised:
        pay(client, key="k1", payment="p2")
    assert raised.value.http_status == 400
    assert len(provider.ledger()["payment_intents"]) == 1


def test_a_key_is_of_one_endpoint(client: StripeClient) -> None:
    intent = pay(client, key="k1")
    with pytest.raises(IdempotencyError, match=r"for the same endpoint .* \('/v1/payment_intents' vs '/v1/refunds'\)"):
        client.v1.refunds.create({"payment_intent": intent.id}, {"idempotency_key": "k1"})


def test_what_was_malformed_may_be_mended(provider: Provider) -> None:
    malformed = send(provider, "POST", INTENTS, {**PAID, "amount": "x"}, Idempotency_Key="k1")
    mended = send(provider, "POST", INTENTS, PAID, Idempotency_Key="k1")
    assert (malformed.status_code, mended.status_code) == (400, 200)


def test_what_the_endpoint_refused_stays_refused(provider: Provider) -> None:
    unknown = {**PAID, "payment_method": "pm_x"}
    first, again = (send(provider, "POST", INTENTS, unknown, Idempotency_Key="k1") for _ in range(2))
    other = send(provider, "POST", INTENTS, PAID, Idempotency_Key="k1")
    assert error(again) == error(first)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert error(other)[1]["type"] == "idempotency_error"


def test_a_key_in_use_conflicts(provider: Provider) -> None:
    provider.behave(delay=3600)
    with ThreadPoolExecutor() as pool:
        pool.submit(send, provider, "POST", INTENTS, PAID, Idempotency_Key="k1")
        eventually(lambda: len(provider.ledger()["payment_intents"]) == 1)
        provider.behave()
        status, told = error(send(provider, "POST", INTENTS, PAID, Idempotency_Key="k1"))
        assert (status, told["code"]) == (409, "idempotency_key_in_use")
        provider.restart()  # which ends the first
    assert send(provider, "POST", INTENTS, PAID, Idempotency_Key="k1").headers["Idempotent-Replayed"] == "true"


def test_many_at_once_with_one_key_are_one_charge(provider: Provider) -> None:
    provider.behave(charge_delay=0.05)
    with ThreadPoolExecutor(8) as pool:
        intents = set(pool.map(lambda _: pay_at_last(provider, "p1").id, range(8)))
    assert {intent["id"] for intent in provider.ledger()["payment_intents"]} == intents
    assert len(intents) == 1


def test_a_key_lasts_for_a_day(tmp_path: Path) -> None:
    with Provider(tmp_path) as provider:
        first = send(provider, "POST", INTENTS, FORM, Idempotency_Key="k1")
        for seconds, replayed in ((DAY_SECONDS - 60, True), (120, False)):
            _grow_older(tmp_path, seconds)
            again = send(provider, "POST", INTENTS, FORM, Idempotency_Key="k1")
            assert (again.json()["id"] == first.json()["id"]) is replayed


def test_a_key_has_at_most_255_characters_of_ascii(provider: Provider) -> None:
    keys = ("k" * 255, "k" * 256, "ké")
    statuses = [send(provider, "POST", INTENTS, FORM, Idempotency_Key=key).status_code for key in keys]
    assert statuses == [200, 400, 400]


def _grow_older(folder: Path, seconds: int) -> None:
    """Let so much time pass for the answers that are kept."""
    database = sqlite3.connect(folder / "provider.sqlite")
    database.execute("update answers set created = created - ?", [seconds])
    database.commit()
    database.close()
