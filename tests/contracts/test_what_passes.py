"""Events as they really pass: each is what its schema and the AsyncAPI document say."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager

import jsonschema_rs
import psutil
import pytest

from events.broker import manifest
from events.catalogue import EVENTS, SOURCE_PREFIX, OrderRenewed
from events.cloudevents.event import Event
from local import manifests
from tests.contracts import asyncapi, log
from tests.contracts.asyncapi import Node
from tests.e2e.person import Person
from tests.e2e.stack import Stack
from tests.eventually import eventually

[BROKER] = manifest.desired_state(manifests.read()).brokers
KINDS = {kind.type(): kind for kind in EVENTS}
EXPECTED = KINDS.keys() - {OrderRenewed.type()}  # an order of this stack is not renewed before ten minutes have passed


def passed(stack: Stack) -> list[Event]:
    """The events of our services; others may have tried the Broker with theirs."""
    nats_url = json.loads((stack.state / "running.json").read_text())["nats_url"]
    found = asyncio.run(log.events(nats_url, BROKER.stream_names))
    return [event for event in found if event["source"].startswith(SOURCE_PREFIX)]


@pytest.fixture
def played(stack: Stack) -> Stack:
    """A stack in which everything has happened that can."""
    seller, buyer = Person(stack.url), Person(stack.url)
    ticket = seller.sell()
    assert seller.api("PUT", f"/tickets/{ticket}", title="Matinée 🎭", price="0.50").status_code == 200
    assert buyer.api("DELETE", f"/orders/{buyer.reserve(ticket)}").status_code == 204
    assert buyer.pay(buyer.reserve(ticket), "tok_chargeDeclined").status_code == 402
    with paused(stack, "tickets-replicate-order"):
        gone = seller.sell()
        order = buyer.reserve(gone)
        with paused(stack, "orders-complete"):  # else the order might never be awaiting its payment
            assert buyer.pay(order).status_code == 201
            eventually(lambda: buyer.order(order)["status"] == "awaiting:payment")
        eventually(lambda: buyer.order(order)["status"] == "complete")
        assert seller.api("DELETE", f"/tickets/{gone}").status_code == 204
    eventually(lambda: {event["type"] for event in passed(stack)} >= EXPECTED)
    return stack


def test_every_event_that_passes_is_what_the_documents_say(played: Stack) -> None:
    assert [problem for event in passed(played) for problem in problems(event)] == []


def test_an_event_that_is_not_what_the_documents_say_would_be_found(played: Stack) -> None:
    event = next(event for event in passed(played) if event["type"] == "dev.ticketing.order.cancelled")
    data = json.loads(event.data)
    others = [
        data | {"more": 1},
        data | {"ticket": data["ticket"] | {"more": 1}},
        data | {"status": "paid"},
        data | {"expiresAt": "soon"},
        {name: value for name, value in data.items() if name != "version"},
    ]
    bad = [Event(event.headers, event.content_type, json.dumps(other).encode()) for other in others]
    bad += [event.with_attributes({name: "x"}) for name in ("source", "subject", "time", "dataschema", "traceparent")]

    assert all(list(problems(one)) for one in bad)


def problems(event: Event) -> Iterator[str]:
    """What is wrong with an event."""
    kind = KINDS[event["type"]]
    if (event["source"], event["dataschema"]) != (kind.source(), kind.schema()):
        yield f"{event.headers} is not as the catalogue says"
    if event["subject"] != event["partitionkey"]:
        yield f"{event.headers} has another partition key than its subject"
    message = asyncapi.MESSAGES[kind.__name__]
    [trait] = [asyncapi.resolved(trait) for trait in message["traits"]]
    for schema, instance in (
        (trait["headers"], event.message_headers()),
        (asyncapi.resolved(message["payload"]), json.loads(event.data)),
    ):
        validator = jsonschema_rs.Draft7Validator(closed(schema), validate_formats=True)
        yield from (f"{event['type']} {instance}: {error.message}" for error in validator.iter_errors(instance))


def closed(schema: Node) -> Node:
    """The schema without room for fields that it does not name: receivers pass over those, senders send none."""
    inside = {name: closed(part) if isinstance(part, dict) else part for name, part in schema.items()}
    return inside | ({"additionalProperties": False} if "properties" in schema else {})


@contextmanager
def paused(stack: Stack, function: str) -> Iterator[None]:
    """Let a function stand still, its workers too."""
    master = stack.process_of(function)
    processes: list[psutil.Process] = [master, *master.children()]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
