"""The AsyncAPI document: it says what the catalogue, the outboxes and the Triggers say."""

from collections.abc import Iterator

from events.broker import manifest
from events.broker.subjects import StreamNames
from events.catalogue import EVENTS, Event
from events.cloudevents.event import Event as CloudEvent
from events.cloudevents.messages import from_attributes
from local import manifests
from tests.contracts import asyncapi
from tests.contracts.asyncapi import DOCUMENT, MESSAGES, Node

MANIFESTS = manifests.read()
WIRING = manifest.desired_state(MANIFESTS)


def test_every_event_of_the_catalogue_is_described_and_no_other() -> None:
    described = {
        name: (message["name"], message["summary"], asyncapi.resolved(message["payload"])["$id"])
        for name, message in MESSAGES.items()
    }

    assert described == {kind.__name__: (kind.type(), kind.__doc__, kind.schema()) for kind in EVENTS}


def test_every_event_is_on_the_channel_of_the_broker() -> None:
    [broker] = WIRING.brokers
    [channel] = DOCUMENT["channels"].values()
    published_to = channel["address"].replace("{type}", "dev.ticketing.order.created")

    assert published_to == StreamNames(broker.namespace, broker.name).event("dev.ticketing.order.created")
    assert channel["messages"].keys() == MESSAGES.keys()


def test_every_event_is_sent_by_its_service_and_by_no_other() -> None:
    senders = {
        name: sorted({operation.partition("-")[0] for operation, sent in sending() if name in sent})
        for name in (kind.type() for kind in EVENTS)
    }

    assert senders == {kind.type(): [kind.SERVICE] for kind in EVENTS}


def test_who_sends_is_a_relay_or_a_function_that_replies() -> None:
    relays = {
        found["metadata"]["name"]
        for found in MANIFESTS
        if found["metadata"].get("labels", {}).get("app.kubernetes.io/component") == "relay"
    }

    assert asyncapi.operations("send").keys() == relays


def test_who_receives_what_is_what_the_triggers_say() -> None:
    received = {
        name: asyncapi.event_types(operation["messages"]) for name, operation in asyncapi.operations("receive").items()
    }

    assert received == {
        trigger.subscriber.name: {kind.type() for kind in EVENTS if trigger.filter.matches(example(kind))}
        for trigger in WIRING.triggers
    }


def test_every_reference_leads_somewhere() -> None:
    assert all(asyncapi.resolved(found) for found in references(DOCUMENT))


def sending() -> Iterator[tuple[str, set[str]]]:
    """Every operation that sends or replies, and the event types that it does so with."""
    for name, operation in DOCUMENT["operations"].items():
        sent = operation if operation["action"] == "send" else operation.get("reply", {"messages": []})
        yield name, asyncapi.event_types(sent["messages"])


def example(kind: type[Event]) -> CloudEvent:
    attributes = {"specversion": "1.0", "id": "1", "type": kind.type(), "source": kind.source()}
    return from_attributes(attributes, None, b"")


def references(node: object) -> Iterator[Node]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node
        for value in node.values():
            yield from references(value)
    if isinstance(node, list):
        for value in node:
            yield from references(value)
