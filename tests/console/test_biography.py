"""What became of an order, and why, as its events and their deliveries tell."""

import time
from typing import Any

import pytest
import requests
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig, StreamConfig

from events.broker.nats_binding import MessageInfo
from events.broker.scheduling import schedule
from events.cloudevents.event import Event
from events.deadletters import DeadLetters, with_error
from events.dispatcher import parking
from events.runtime.publisher import Publisher
from tests.console.env import TRIGGER, ConsoleEnv, event, new_id, order

TIMEOUT_SECONDS = 60
LATER = "2126-01-31T10:00:00Z"


def created(order_id: str, **more: object) -> Event:
    """A reservation."""
    return event("order.created", {**order(order_id), **more})


def cancelled(order_id: str, reason: str) -> Event:
    """A cancellation."""
    return event("order.cancelled", {**order(order_id, "cancelled", version=1), "reason": reason})


def of_payment(name: str, order_id: str, **more: object) -> Event:
    """An event of the order's payment."""
    return event(f"payment.{name}", {"id": new_id(), "orderId": order_id, **more}, "payments")


def expired(order_id: str) -> list[Event]:
    """Its time ran out."""
    over = event("expiration.completed", {"orderId": order_id, "expiresAt": "2026-01-31T10:00:00Z"}, "expiration")
    return [created(order_id), over, cancelled(order_id, "expired")]


def declined(order_id: str) -> list[Event]:
    """Its card was declined."""
    failed = of_payment("failed", order_id, reason="Your card was declined.")
    return [created(order_id), of_payment("started", order_id), failed, cancelled(order_id, "Your card was declined.")]


def refunded(order_id: str) -> list[Event]:
    """It was charged when it had expired already."""
    charge = {"amount": 20, "providerId": "pi_late"}
    asked = of_payment("refund-requested", order_id, **charge)
    return [*expired(order_id), asked, of_payment("refunded", order_id, amount=20)]


def rejected(order_id: str) -> list[Event]:
    """Its ticket was deleted before it was known to be reserved."""
    reason, ticket = "the ticket was deleted", new_id()
    state = {**order(order_id), "ticket": {"id": ticket, "title": "Derby", "price": 20}}
    data = {"orderId": order_id, "ticketId": ticket, "reason": reason}
    gone = event("ticket.deleted", {"id": ticket, "version": 1}, "tickets")
    refusal = event("ticket.reservation-rejected", data, "tickets")
    ended = event("order.cancelled", {**state, "status": "cancelled", "version": 1, "reason": reason})
    return [gone, event("order.created", state), refusal, ended]


def given_up(order_id: str) -> list[Event]:
    """Its buyer cancelled it."""
    return [created(order_id), cancelled(order_id, "cancelled by the buyer")]


def sold(order_id: str) -> list[Event]:
    """It was paid."""
    paid = of_payment("created", order_id, amount=20, providerId="pi_good")
    return [created(order_id), paid, event("order.completed", order(order_id, "complete", version=1))]


def biography(env: ConsoleEnv, order_id: str) -> dict[str, Any]:
    """Return what the page gets of an order."""
    response = requests.get(f"{env.url}/api/orders/{order_id}", timeout=TIMEOUT_SECONDS)
    found: dict[str, Any] = response.json()
    assert response.status_code == 200, found
    return found


@pytest.mark.parametrize(
    ("happened", "headline", "because"),
    [
        (expired, "Cancelled: it was not paid in time.", "expiration.completed came at"),
        (declined, "Cancelled: its payment failed.", "Your card was declined."),
        (refunded, "Cancelled: it was not paid in time, and 20.00 USD were refunded.", "They went back at"),
        (rejected, "Cancelled: its ticket had been deleted.", "The ticket was deleted."),
        (given_up, "Cancelled by the buyer.", "Nothing failed."),
        (sold, "Complete: it was paid, and the ticket is sold.", "The card was charged 20.00 USD"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_answer_is_at_the_top(env: ConsoleEnv, happened: Any, headline: str, because: str) -> None:  # noqa: ANN401
    order_id = new_id()
    events = happened(order_id)
    env.store(*events)
    found = biography(env, order_id)
    assert found["headline"] == headline
    assert because in " ".join(found["explanation"])
    assert len(found["entries"]) == len(events)


def test_an_order_that_nothing_ended_is_overdue_or_under_way(env: ConsoleEnv) -> None:
    late, open_one = new_id(), new_id()
    env.store(created(late), created(open_one, expiresAt=LATER))
    assert biography(env, late)["headline"] == "Overdue: it should have ended."
    assert biography(env, open_one)["headline"].startswith("Under way: it is reserved")


def test_an_order_whose_event_is_retried_is_stuck(env: ConsoleEnv) -> None:
    order_id, names, jetstream = new_id(), env.broker.stream_names, env.connection.jetstream()
    paid = of_payment("created", order_id, amount=20, providerId="pi_1")
    env.store(created(order_id), paid)
    sequence = biography(env, order_id)["entries"][-1]["sequence"]
    message = Msg(env.connection, names.event(paid["type"]), "", paid.data, paid.message_headers())
    info = MessageInfo(sequence, 4, time.time())
    headers = parking._headers(message, info, 4, time.time() + 60, "response status is 500")
    stream = names.parked_stream(TRIGGER)
    env.loop.run(jetstream.add_stream(StreamConfig(name=stream, subjects=[names.parked(TRIGGER)])))
    env.loop.run(Publisher(env.connection).store(names.parked(TRIGGER), headers, paid.data))

    found = biography(env, order_id)
    env.loop.run(jetstream.delete_stream(stream))

    assert found["headline"] == f"Stuck: {TRIGGER} does not accept payment.created."
    assert "Why: Response status is 500." in found["explanation"]
    [delivery] = found["entries"][-1]["deliveries"]
    assert (delivery["trigger"], delivery["state"], delivery["attempts"]) == (TRIGGER, "retrying", 4)


def test_an_order_with_a_dead_letter_names_its_number(env: ConsoleEnv) -> None:
    order_id, jetstream = new_id(), env.connection.jetstream()
    paid = of_payment("created", order_id, amount=20, providerId="pi_1")
    env.store(created(order_id), paid)
    sequence = biography(env, order_id)["entries"][-1]["sequence"]
    letters = DeadLetters(Publisher(env.connection), jetstream, env.broker.stream_names)
    letter = with_error(paid, "http://x", 400, b"")
    env.loop.run(letters.add(TRIGGER, letter, "response status is 400", MessageInfo(sequence, 1, time.time())))

    found = biography(env, order_id)
    env.loop.run(jetstream.purge_stream(env.broker.stream_names.dead_letters))

    assert found["headline"] == f"Stuck: {TRIGGER} rejected payment.created."
    number = found["entries"][-1]["deliveries"][0]["letter"]
    assert f"kept as dead letter {number}" in " ".join(found["explanation"])


def test_a_delivery_is_waiting_under_way_or_delivered_by_its_consumer(env: ConsoleEnv) -> None:
    order_id, names, jetstream = new_id(), env.broker.stream_names, env.connection.jetstream()
    env.store(created(order_id), of_payment("created", order_id, amount=20, providerId="pi_1"))

    def state() -> str:
        return str(biography(env, order_id)["entries"][-1]["deliveries"][0]["state"])

    config = ConsumerConfig(durable_name=TRIGGER, filter_subjects=[names.event("dev.ticketing.payment.created")])
    env.loop.run(jetstream.add_consumer(names.log, config))
    assert state() == "waiting"
    pull = env.loop.run(jetstream.pull_subscribe_bind(TRIGGER, names.log))
    messages = env.loop.run(pull.fetch(100, timeout=5))
    assert state() == "under way"
    for message in messages:
        env.loop.run(message.ack_sync())
    assert state() == "delivered"
    env.loop.run(jetstream.delete_consumer(names.log, TRIGGER))


def test_what_is_published_twice_is_told_once_and_what_is_scheduled_with_its_time(env: ConsoleEnv) -> None:
    order_id = new_id()
    first = created(order_id)
    env.store(first, first)
    due = event("expiration.completed", {"orderId": order_id}, "expiration").with_attributes({"notbefore": LATER})
    message = schedule(due, env.broker.stream_names, order_id)
    env.loop.run(Publisher(env.connection).store(message.subject, message.headers, message.data))

    found = biography(env, order_id)

    assert [one["copies"] for one in found["entries"]] == [1]
    [scheduled] = found["scheduled"]
    assert (scheduled["name"], scheduled["due"]) == ("expiration.completed", LATER)


def test_an_order_is_found_by_every_id_of_it(env: ConsoleEnv) -> None:
    order_id, ticket, buyer, payment = new_id(), new_id(), new_id(), new_id()
    made = {**order(order_id), "userId": buyer, "ticket": {"id": ticket, "title": "Derby", "price": 20}}
    first = event("order.created", made)
    paid = event("payment.created", {"id": payment, "orderId": order_id, "providerId": f"pi_{payment}"}, "payments")
    env.store(first, paid)
    trace = (first.get("traceparent") or "").split("-")[1]
    for term in (order_id, ticket, buyer, payment, f"pi_{payment}", trace):
        found = requests.get(f"{env.url}/api/orders", {"q": term}, timeout=TIMEOUT_SECONDS).json()
        assert [(one["id"], one["title"], one["status"]) for one in found] == [(order_id, "Derby", "created")], term


def test_a_search_that_cannot_be_made_says_why(env: ConsoleEnv) -> None:
    for term, message in (("abc", "enter at least 6 characters"), ("a@example.com", "may not look up emails")):
        response = requests.get(f"{env.url}/api/orders", {"q": term}, timeout=TIMEOUT_SECONDS)
        assert response.status_code == 400
        assert message in response.json()["errors"][0]["message"]
    missing = requests.get(f"{env.url}/api/orders/{new_id()}", timeout=TIMEOUT_SECONDS)
    assert missing.status_code == 404
