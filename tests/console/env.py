"""A console as a process, over a Broker's streams with events that a test stores."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from events.broker.model import Broker
from events.broker.streams import ensure_streams
from events.catalogue import SOURCE_PREFIX, TYPE_PREFIX
from events.cloudevents.event import Event
from events.cloudevents.messages import from_attributes
from events.runtime.address import NatsAddress
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher
from tests.events.loop import Loop
from tests.events.processes import Process

TRIGGER = "orders-complete"


@dataclass
class ConsoleEnv:
    """A running console, and the streams of its Broker."""

    process: Process
    broker: Broker
    loop: Loop
    connection: Connection

    @property
    def url(self) -> str:
        """Where the console is."""
        return f"http://127.0.0.1:{self.process.port}"

    @classmethod
    @contextmanager
    def started(cls, nats_url: str, folder: Path, **environment: str) -> Iterator["ConsoleEnv"]:
        """Create the streams of a new Broker, and run a console for it until the block ends."""
        broker, loop, connection = Broker(f"console-{secrets.token_hex(4)}", "default"), Loop(), Connection()
        manifest = folder / "broker.yaml"
        manifest.write_text(yaml.safe_dump_all(_objects(broker)))
        given = {
            "NATS_URL": nats_url,
            "BROKER": f"{broker.namespace}/{broker.name}",
            "MANIFESTS": str(manifest),
            **environment,
        }
        process = Process("events.console", given, folder / "log")
        try:
            loop.run(connection.open(NatsAddress.parse(nats_url), "test"))
            loop.run(ensure_streams(connection.jetstream(), broker))
            process.await_ready()
            yield cls(process, broker, loop, connection)
        finally:
            process.kill()
            loop.run(connection.close())
            loop.close()

    def store(self, *events: Event) -> None:
        """Store events in the log."""
        publisher, names = Publisher(self.connection), self.broker.stream_names

        async def work() -> None:
            for event in events:
                await publisher.store(names.event(event["type"]), event.message_headers(), event.data)

        self.loop.run(work())


def event(name: str, data: dict[str, Any], service: str = "orders") -> Event:
    """Make an event of ours."""
    attributes = {
        "specversion": "1.0",
        "id": secrets.token_hex(8),
        "source": SOURCE_PREFIX + service,
        "type": TYPE_PREFIX + name,
        "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
    }
    return from_attributes(attributes, "application/json", json.dumps(data).encode())


def new_id() -> str:
    """Make an id as MongoDB does: it begins with the second of now."""
    return f"{int(datetime.now(UTC).timestamp()):08x}{secrets.token_hex(8)}"


def order(order_id: str, status: str = "created", title: str = "Opening night", version: int = 0) -> dict[str, Any]:
    """Return an order's state as its events have it."""
    return {
        "id": order_id,
        "version": version,
        "status": status,
        "userId": "b" * 24,
        "expiresAt": "2026-01-31T10:00:00Z",
        "ticket": {"id": "c" * 24, "title": title, "price": 20},
    }


def _objects(broker: Broker) -> list[dict[str, Any]]:
    metadata = {"namespace": broker.namespace}
    of_class = {"annotations": {"eventing.knative.dev/broker.class": "JetStreamBridge"}}
    api = {"apiVersion": "eventing.knative.dev/v1"}
    subscriber = {"uri": "http://127.0.0.1:1/"}
    filters = [{"exact": {"type": f"{TYPE_PREFIX}payment.created"}}]
    return [
        {**api, "kind": "Broker", "metadata": {**metadata, "name": broker.name, **of_class}},
        {
            **api,
            "kind": "Trigger",
            "metadata": {**metadata, "name": TRIGGER},
            "spec": {"broker": broker.name, "filters": filters, "subscriber": subscriber},
        },
    ]
