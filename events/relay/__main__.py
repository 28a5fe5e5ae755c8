"""Run the relay of one service's outbox.

Environment: MONGO_URI with the service's database in its path, NATS_URL; MONGO_USER and MONGO_PASSWORD, NATS_USER and
NATS_PASSWORD, where the servers want them; BROKER as `namespace/name`; PORT and HOST of /healthz, /readyz and
/metrics; OpenTelemetry's own, see `telemetry`.
"""

import asyncio
import os
from datetime import UTC, datetime
from typing import Any

import prometheus_client
from pymongo import AsyncMongoClient

from events.broker.subjects import StreamNames
from events.credentials import mongo_user
from events.relay.loss_watch import LossWatch
from events.relay.outbox import Outbox
from events.relay.publishing import RowPublisher
from events.relay.relay import Relay
from events.relay.streams import Streams
from events.runtime import health, logs, process, relay_metrics
from events.runtime.address import NatsAddress
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher
from events.telemetry import spans


async def _main() -> None:
    environment = os.environ
    connection = Connection()
    stream_names = StreamNames.parse(environment["BROKER"])
    publisher = RowPublisher(Publisher(connection), stream_names)
    uri, user = environment["MONGO_URI"], mongo_user(environment)
    async with AsyncMongoClient[dict[str, Any]](uri, tz_aware=True, **user) as client:
        database = client.get_default_database()
        spans.configure(f"{database.name}-relay")
        outbox = Outbox(database)
        losses = LossWatch(outbox.checkpoints, Streams(connection.jetstream(), stream_names), connection)
        relay = Relay(outbox, publisher, losses)
        nats_ready = health.NatsReadiness(connection)

        async def ready() -> bool:
            return relay.following and await nats_ready()

        async def metrics() -> bytes:
            since = relay.pending_since
            relay_metrics.FOLLOWING.set(relay.following)
            relay_metrics.OLDEST.set(max(0.0, (datetime.now(UTC) - since).total_seconds()) if since else 0.0)
            return prometheus_client.generate_latest()

        async with health.serve(int(environment["PORT"]), ready, environment.get("HOST"), metrics), connection:
            await connection.open(NatsAddress.from_environment(environment), "relay")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(relay.run())
                tasks.create_task(connection.until_closed())


if __name__ == "__main__":
    logs.configure("relay")
    process.run(_main())
