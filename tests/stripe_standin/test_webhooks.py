"""Webhooks: every change told to the shop, signed, until it has taken it."""

import asyncio
import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from types import SimpleNamespace

import pytest
import stripe
from stripe import CardError, Event, SignatureVerificationError

from local.stripe_standin import webhooks
from local.stripe_standin.faults import FaultInjection
from tests.events.harness import Answer, Request, Sink
from tests.eventually import eventually
from tests.provider import Provider
from tests.stripe_standin.shop import pay


@pytest.fixture(scope="module")
def server() -> Iterator[Sink]:
    """Where the shop listens."""
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture(scope="module")
def telling(server: Sink, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """A provider that tells the shop."""
    with Provider(tmp_path_factory.mktemp("telling"), server.url + "webhook") as started:
        yield started


@pytest.fixture
def shop(server: Sink, telling: Provider) -> Sink:
    """The shop, which has heard of nothing and takes everything."""
    telling.reset()
    server.requests.clear()
    server.answer = lambda _: Answer()
    return server


def events(shop: Sink, provider: Provider, count: int) -> list[Event]:
    """What the shop has heard once nothing is left to be told, as the official library verifies it."""
    shop.await_requests(count)
    eventually(lambda: provider.ledger()["unsent_events"] == 0)
    assert len(shop.requests) == count
    return [_verified(request, provider.webhook_secret) for request in shop.requests]


def test_a_payment_is_told(shop: Sink, telling: Provider) -> None:
    intent = pay(telling.client(), key="k1", payment="p1")
    told = {event.type: event for event in events(shop, telling, 2)}
    assert set(told) == {"payment_intent.created", "payment_intent.succeeded"}
    succeeded = told["payment_intent.succeeded"]
    assert succeeded.data.to_dict()["object"] == intent.to_dict()
    assert succeeded.request
    assert succeeded.request.idempotency_key == "k1"
    assert {request.path for request in shop.requests} == {"/webhook"}


def test_a_decline_is_told(shop: Sink, telling: Provider) -> None:
    with suppress(CardError):
        pay(telling.client(), "tok_chargeDeclined", payment="p1")
    [failed] = [event for event in events(shop, telling, 2) if event.type == "payment_intent.payment_failed"]
    assert failed.data.object["last_payment_error"]["message"] == "Your card was declined."
    assert failed.data.object["metadata"]["payment"] == "p1"


def test_a_refund_is_told(shop: Sink, telling: Provider) -> None:
    intent = pay(telling.client())
    refund = telling.client().v1.refunds.create({"payment_intent": intent.id})
    told = {event.type: event.data.object for event in events(shop, telling, 4)}
    assert told["refund.created"]["id"] == refund.id
    charge = told["charge.refunded"]
    assert (charge["payment_intent"], charge["amount_refunded"], charge["refunded"]) == (intent.id, 2000, True)


@pytest.mark.parametrize(("end", "told"), [("succeeded", ["updated"]), ("failed", ["failed", "updated"])])
def test_the_end_of_a_refund_that_was_pending_is_told(shop: Sink, telling: Provider, end: str, told: list[str]) -> None:
    intent = pay(telling.client())
    telling.behave(refunds="pending")
    refund = telling.client().v1.refunds.create({"payment_intent": intent.id})
    before = len(events(shop, telling, 4))
    telling.behave(refunds=end)
    ends = [event for event in events(shop, telling, before + len(told)) if event.type != "refund.created"]
    ends = [event for event in ends if event.data.object["id"] == refund.id]
    assert sorted(event.type for event in ends) == [f"refund.{name}" for name in told]
    assert {event.request and event.request.id for event in ends} == {None}


def test_a_repeated_request_tells_nothing_new(shop: Sink, telling: Provider) -> None:
    for _ in range(3):
        pay(telling.client(), key="k1")
    assert len(events(shop, telling, 2)) == 2


def test_no_other_secret_can_sign(shop: Sink, telling: Provider) -> None:
    pay(telling.client())
    [request, *_] = shop.await_requests(1)
    with pytest.raises(SignatureVerificationError):
        _verified(request, "whsec_another")


@pytest.mark.parametrize("answer", [Answer(500), Answer(404), Answer(302, {"Location": "/elsewhere"}), None])
def test_what_the_shop_does_not_take_is_told_again(shop: Sink, telling: Provider, answer: Answer | None) -> None:
    refusals = [answer] * 4
    shop.answer = lambda _: _refuse(refusals.pop()) if refusals else Answer()
    pay(telling.client())
    told = [json.loads(request.body)["id"] for request in shop.await_requests(6)]
    eventually(lambda: telling.ledger()["unsent_events"] == 0)
    assert sorted(told.count(one) for one in set(told)) in ([3, 3], [2, 4], [1, 5])


def test_what_was_not_told_is_told_after_a_crash(shop: Sink, telling: Provider) -> None:
    shop.answer = lambda _: Answer(503)
    pay(telling.client(), payment="p1")
    shop.await_requests(1)
    telling.kill()
    shop.requests.clear()
    shop.answer = lambda _: Answer()
    telling.start()
    eventually(lambda: telling.ledger()["unsent_events"] == 0)
    told = [_verified(request, telling.webhook_secret) for request in shop.requests]
    assert {event.type for event in told} == {"payment_intent.created", "payment_intent.succeeded"}
    assert {event.data.object["metadata"]["payment"] for event in told} == {"p1"}


def test_webhooks_can_come_twice(shop: Sink, telling: Provider) -> None:
    telling.behave(webhooks="twice")
    pay(telling.client())
    told = [event.id for event in events(shop, telling, 4)]
    assert sorted(told.count(one) for one in set(told)) == [2, 2]


def test_webhooks_can_fail_to_come(shop: Sink, telling: Provider) -> None:
    telling.behave(webhooks="never")
    pay(telling.client(), payment="p1")
    telling.behave()
    pay(telling.client(), payment="p2")
    assert {event.data.object["metadata"]["payment"] for event in events(shop, telling, 2)} == {"p2"}


def test_webhooks_can_be_late(shop: Sink, telling: Provider) -> None:
    telling.behave(webhooks="late", webhook_delay=1)
    began = time.monotonic()
    pay(telling.client())
    assert len(events(shop, telling, 2)) == 2
    assert time.monotonic() - began >= 1


def test_what_falls_due_while_the_sender_looks_is_sent(shop: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()
    monkeypatch.setattr(webhooks, "time", SimpleNamespace(time=lambda: next(looks)))  # a second passes at each look
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        sender = webhooks.Webhooks(database, shop.url, "whsec_of_nobody")
        sender.store("test.event", {}, {}, FaultInjection(webhooks="late", webhook_delay=1.5))

        async def tell() -> None:
            async with asyncio.timeout(webhooks.MAX_PAUSE / 2):
                telling = asyncio.create_task(sender.run())
                await asyncio.to_thread(shop.await_requests, 1)
                telling.cancel()

        asyncio.run(tell())
    assert len(shop.requests) == 1


def _verified(request: Request, secret: str) -> Event:
    signature = request.headers["stripe-signature"]
    event: Event = stripe.Webhook.construct_event(request.body, signature, secret)
    return event


def _refuse(answer: Answer | None) -> Answer:
    """The answer; None cuts the connection."""
    if answer is None:
        raise ConnectionAbortedError
    return answer
