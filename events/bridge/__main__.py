"""The bridge.

Environment: NATS_URL; MANIFESTS, a folder or file of YAML with Brokers and Triggers; PORT and HOST of /healthz and
/readyz; HOST_ALIASES, a JSON object that says where hosts are on one machine, `{"host": "127.0.0.1:4001"}`;
ACK_WAIT_SECONDS and DRAIN_SECONDS, see `Settings`.
"""

import asyncio
import json
import os
from pathlib import Path

from events import health, logs, process
from events.bridge import source
from events.bridge.subscriber import Subscribers
from events.bridge.supervisor import Settings, Supervisor
from events.connection import Connection


async def _main() -> None:
    environment = os.environ
    connection = Connection()
    async with Subscribers(json.loads(environment.get("HOST_ALIASES", "{}"))) as subscribers:
        supervisor = Supervisor(connection, subscribers, _settings())
        ready = lambda: connection.is_connected and supervisor.ready  # noqa: E731 one condition, said in place
        async with await health.serve(int(environment["PORT"]), ready, environment.get("HOST")), connection:
            await connection.open(environment["NATS_URL"], "bridge")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(supervisor.run(source.from_files(Path(environment["MANIFESTS"]))))
                tasks.create_task(connection.until_closed())


def _settings() -> Settings:
    default = Settings()
    return Settings(
        ack_wait=float(os.environ.get("ACK_WAIT_SECONDS", default.ack_wait)),
        drain=float(os.environ.get("DRAIN_SECONDS", default.drain)),
    )


if __name__ == "__main__":
    logs.configure("bridge")
    process.run(_main())
