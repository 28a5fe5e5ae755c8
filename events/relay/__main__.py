"""Run the relay of one service's outbox.

Environment: MONGO_URI with the service's database in its path, NATS_URL, BROKER as `namespace/name`, PORT and
HOST of /healthz and /readyz.
"""

import asyncio
import os
from typing import Any

from pymongo import AsyncMongoClient

from events.broker.subjects import StreamNames
from events.relay.outbox import Outbox
from events.relay.publishing import RowPublisher
from events.relay.relay import Relay
from events.runtime import health, logs, process
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher


async def _main() -> None:
    environment = os.environ
    connection = Connection()
    publisher = RowPublisher(Publisher(connection), StreamNames.parse(environment["BROKER"]))
    async with AsyncMongoClient[dict[str, Any]](environment["MONGO_URI"], tz_aware=True) as client:
        relay = Relay(Outbox(client.get_default_database()), publisher)

        nats_ready = health.NatsReadiness(connection)

        async def ready() -> bool:
            return relay.following and await nats_ready()

        async with health.serve(int(environment["PORT"]), ready, environment.get("HOST")), connection:
            await connection.open(environment["NATS_URL"], "relay")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(relay.run())
                tasks.create_task(connection.until_closed())


if __name__ == "__main__":
    logs.configure("relay")
    process.run(_main())
