"""The console.

Environment: NATS_URL; NATS_USER and NATS_PASSWORD, if NATS wants them; BROKER as `namespace/name`; MANIFESTS, a folder
or file of YAML with the Broker and its Triggers, without which they come from the Kubernetes API; PORT and HOST of its
page, of /healthz and /readyz; CONSOLE_TOKEN, the operator's token, without which it is for its own machine only;
DATABASES, a JSON object with the URI of each service's database, which it only reads; on one machine MACHINE and
PROVIDER_CONTROLS, see `machine`.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import aclosing
from ipaddress import ip_address

from aiohttp import web

from events.broker.subjects import StreamNames
from events.console import page, server
from events.console.access import Access
from events.console.biography import Biographer
from events.console.databases import Databases
from events.console.letters import Letters
from events.console.machine import Machine
from events.console.search import Search
from events.console.snapshot import Snapshots
from events.console.spans import Spans
from events.console.triggers import TriggerStates
from events.console.wiring import Wiring, declarations
from events.deadletters import DeadLetters
from events.runtime import health, logs, process
from events.runtime.address import NatsAddress
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher


async def _main(environment: Mapping[str, str]) -> None:
    names, connection = StreamNames.parse(environment["BROKER"]), Connection()
    wiring = Wiring(declarations(environment, names), names)
    databases = Databases(json.loads(environment.get("DATABASES", "{}")))
    async with connection, aclosing(databases):
        await connection.open(NatsAddress.from_environment(environment), "console")
        jetstream = connection.jetstream()
        search = Search(connection, names, databases.find_user if databases.knows_emails else None)
        events = server.Events(connection, names, search, Biographer(connection, names, wiring))
        triggers = TriggerStates(jetstream, names, wiring)
        state = server.State(connection, names, Snapshots(jetstream, names, triggers, databases))
        letters = Letters(DeadLetters(Publisher(connection), jetstream, names))
        machine = Machine(environment.get("MACHINE"), environment.get("PROVIDER_CONTROLS"))
        parts = (events, state, letters, machine, Spans(takes_spans="MACHINE" in environment))
        ours = [route for part in parts for route in part.routes()]
        routes = [*health.routes(health.NatsReadiness(connection)), *ours]
        app = server.application(Access(environment.get("CONSOLE_TOKEN", ""), page.assets), routes)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wiring.run())
            tasks.create_task(connection.until_closed())
            tasks.create_task(_serve(app, int(environment["PORT"]), environment.get("HOST")))


async def _serve(app: web.Application, port: int, host: str | None) -> None:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _require_token(environment: Mapping[str, str]) -> None:
    """End the process if other machines could reach the console without a token."""
    host = environment.get("HOST", "0.0.0.0")  # noqa: S104 what an absent HOST means
    if not environment.get("CONSOLE_TOKEN") and not ip_address(host).is_loopback:
        sys.exit(
            "CONSOLE_TOKEN must be set where HOST is not a loopback address; without a token the console stays local"
        )


if __name__ == "__main__":
    _require_token(os.environ)
    logs.configure("console")
    process.run(_main(os.environ))
