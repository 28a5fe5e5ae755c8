"""The stand-in as a process.

Environment: PORT and HOST; STRIPE_KEY, STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRET, the shop's; WEBHOOK_URL, where
events go, if anywhere; DATABASE, the file that holds everything.
"""

import os
from pathlib import Path

from aiohttp import web

from events.runtime import logs, process
from local.stripe_standin.faults import FaultInjector
from local.stripe_standin.ledger import Ledger, open_database
from local.stripe_standin.server import Keys, Server
from local.stripe_standin.webhooks import Webhooks


async def _main() -> None:
    environment = os.environ
    database = open_database(Path(environment["DATABASE"]))
    webhooks = Webhooks(database, environment.get("WEBHOOK_URL", ""), _secret("STRIPE_WEBHOOK_SECRET"))
    keys = Keys(_secret("STRIPE_KEY"), _secret("STRIPE_PUBLISHABLE_KEY"))
    server = Server(keys, Ledger(database), webhooks, FaultInjector(database))
    runner = web.AppRunner(server.application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, environment.get("HOST"), int(environment["PORT"])).start()
    await webhooks.run()


def _secret(name: str) -> str:
    """The value of a variable that must not be empty."""
    if not (value := os.environ.get(name, "")):
        raise SystemExit(f"{name} is empty")
    return value


if __name__ == "__main__":
    logs.configure("stripe")
    process.run(_main())
