"""What carries events, played by the test: it takes every liberty that "at least once, in any order" allows.

Who gets which event, how an event looks on the wire and what an answer means is read with the bridge's own code.
"""

from dataclasses import dataclass, field
from functools import partial
from itertools import permutations
from random import Random
from typing import Any

import msgspec
from werkzeug.test import TestResponse

from events.broker import manifest
from events.broker.model import Trigger
from events.broker.nats_binding import parse
from events.cloudevents.event import Event
from events.cloudevents.messages import read_row
from functions.tickets import reservations
from local import manifests
from tests.functions.harness import process
from tests.properties.faults import overlap
from tests.properties.system import System

REPLICATE, BEFORE_WRITING = "tickets-replicate-order", (reservations, "save")
DONE, NOT_YET, FAULT = (200, 204), 409, 500
MAX_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class Delivery:
    """An event on its way to a subscriber, until that has taken it."""

    subscriber: str
    event: Event

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        return msgspec.json.decode(self.event.data, type=dict[str, Any])


@dataclass
class Broker:
    """`waiting` are deliveries still to be made, `made` those that were; `stopped` are services without a relay now."""

    system: System
    waiting: list[Delivery] = field(default_factory=list)
    made: list[Delivery] = field(default_factory=list)
    stopped: set[str] = field(default_factory=set)
    random: Random = field(default_factory=Random)
    _published: set[object] = field(default_factory=set)
    _replied: set[tuple[str, str]] = field(default_factory=set)
    _triggers: tuple[Trigger, ...] = manifest.desired_state(manifests.read(manifests.EVENTING)).triggers

    def publish(self) -> None:
        """Every running relay publishes what is new in its outbox."""
        for service in [name for name in self.system.stores if name not in self.stopped]:
            for row in self.system.rows(service, "outbox"):
                if row["_id"] not in self._published:
                    self._published.add(row["_id"])
                    self._route(read_row(row["event"]))

    def forget_published(self, service: str) -> None:
        """The service's relay has died before it noted what it had published."""
        self._published -= {row["_id"] for row in self.system.rows(service, "outbox")}

    def deliver(self, delivery: Delivery) -> bool:
        """Deliver an event; whether it was taken. It waits on if it came too early."""
        return self.settle(delivery, self.send(delivery))

    def send(self, delivery: Delivery) -> TestResponse:
        """What the subscriber answers to an event."""
        event = delivery.event
        headers = event.headers | {"Content-Type": event.content_type or ""}
        return self.system.function(delivery.subscriber).call("POST", headers=headers, data=event.data)

    def settle(self, delivery: Delivery, answer: TestResponse) -> bool:
        """Do what an answer asks for; anything but 2xx and 409 is a fault of ours."""
        if answer.status_code == NOT_YET:
            return False
        assert answer.status_code in DONE, (delivery, answer.data)
        if (reply := parse(dict(answer.headers), answer.data)) is not None:
            self._route_once(reply)
        if delivery in self.waiting:
            self.waiting.remove(delivery)
            self.made.append(delivery)
        return True

    def attempt(self, delivery: Delivery) -> None:
        """Deliver an event to a function that may fail as it handles it; then it waits on."""
        answer = self.send(delivery)
        if answer.status_code != FAULT:
            self.settle(delivery, answer)

    def waiting_for(self, service: str) -> list[Delivery]:
        """Deliveries to the functions of a service."""
        return [delivery for delivery in self.waiting if delivery.subscriber.startswith(f"{service}-")]

    def deliver_to(self, service: str) -> None:
        """A service gets all that waits for it, and all that it says to itself."""
        self.publish()
        while sum([self.deliver(delivery) for delivery in self.waiting_for(service)]):
            self.publish()

    def deliver_all(self) -> None:
        """Until nothing waits but what came too early, in any order."""
        for _ in range(MAX_ROUNDS):
            self.publish()
            if self.random.choice([True, False]):
                self.deliver_pairs()
            anyhow = self.random.sample(self.waiting, len(self.waiting))
            if not sum([self.deliver(delivery) for delivery in anyhow]):
                return
        raise AssertionError("events cause events without end")

    def pairs(self) -> list[tuple[Delivery, Delivery]]:
        """Deliveries that can be made at once: their orders differ, so that none waits for the other's row."""
        ours = [(delivery, delivery.data) for delivery in self.waiting if delivery.subscriber == REPLICATE]
        return [
            (one, other)
            for (one, ours), (other, theirs) in permutations(ours, 2)
            if ours["ticket"]["id"] == theirs["ticket"]["id"] and ours["id"] != theirs["id"]
        ]

    def deliver_pairs(self) -> None:
        """Deliver two events at once as long as there are two; the first one is overtaken by the second."""
        while pairs := self.pairs():
            slow, fast = self.random.choice(pairs)
            with process(self.system.function(REPLICATE).environment):
                answers = overlap(partial(self.send, slow), partial(self.send, fast), BEFORE_WRITING)
            for delivery, answer in zip((slow, fast), answers, strict=True):
                self.settle(delivery, answer)

    def _route_once(self, reply: Event) -> None:
        """Route a reply, which is one message in the log however often it is sent."""
        identity = (reply["type"], reply["id"])
        if identity not in self._replied:
            self._replied.add(identity)
            self._route(reply)

    def _route(self, event: Event) -> None:
        self.waiting += [Delivery(t.subscriber.name, event) for t in self._triggers if t.filter.matches(event)]
