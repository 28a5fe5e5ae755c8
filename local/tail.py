"""`make events`: show the events of the running stack as they pass, until Ctrl-C."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime

import nats
from nats.errors import Error, NoServersError
from nats.js.api import ConsumerConfig, DeliverPolicy

from events.broker import nats_binding
from events.broker.nats_binding import MessageInfo
from events.broker.subjects import StreamNames
from events.catalogue import TYPE_PREFIX
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.runtime.address import NatsAddress
from events.runtime.printable import printable
from local import manifests
from local.state import NOTHING_RUNS, State

TYPE_WIDTH = len("ticket.reservation-rejected")
RECONNECTS = 20  # attempts, one a second: the stack restarts a NATS that has died


def main() -> int:
    """Show events; return the exit status."""
    running = State().running()
    if running is None:
        print(NOTHING_RUNS, file=sys.stderr)
        return 1
    with suppress(KeyboardInterrupt):
        with suppress(NoServersError, OSError):
            asyncio.run(show(running.nats_url, lambda line: print(line, flush=True)))
        print(f"no NATS server answers at {NatsAddress.parse(running.nats_url).url}", file=sys.stderr)
        return 1
    return 0


async def show(nats_url: str, say: Callable[[str], None], ready: Callable[[], None] = lambda: None) -> None:
    """Pass each new event to `say`, as one line, until NATS is gone.

    `ready` is called once no event can be missed any more.
    """
    async for event, time in _events(nats_url, stream_names(), ready):
        name = event["type"].removeprefix(TYPE_PREFIX)
        shown = printable(f"{name:<{TYPE_WIDTH}}  {event.data.decode(errors='replace')}").replace("\n", " ")
        say(f"{time:%H:%M:%S}  {shown}")


async def _events(nats_url: str, log: StreamNames, ready: Callable[[], None]) -> AsyncIterator[tuple[Event, datetime]]:
    """Yield new events of the log, each with the time when it was stored; skip messages that are not events."""
    connection = await nats.connect(
        nats_url, max_reconnect_attempts=RECONNECTS, reconnect_time_wait=1, error_cb=_ignore
    )
    only_new = ConsumerConfig(deliver_policy=DeliverPolicy.NEW)
    stream = await connection.jetstream().subscribe(
        log.events(), stream=log.log, ordered_consumer=True, config=only_new
    )
    ready()
    async for message in stream.messages:
        info = MessageInfo.of(message)
        with suppress(MalformedEventError):
            yield nats_binding.read(message, info, log), datetime.fromtimestamp(info.timestamp).astimezone()


def stream_names() -> StreamNames:
    """Return the names of the streams of the one Broker in knative/."""
    broker = manifests.broker()
    return StreamNames(broker["namespace"], broker["name"])


async def _ignore(_: Error | Exception) -> None:
    """Do nothing: the client reconnects."""


if __name__ == "__main__":
    sys.exit(main())
