"""The connection to NATS."""

import asyncio
import logging
from contextlib import suppress

from events.runtime.address import NatsAddress
from events.runtime.nats_client import PatchedClient
from events.runtime.server_pool import ServerPool

_log = logging.getLogger(__name__)

_RECONNECT_WAIT = 0.25  # seconds between attempts at one server
_CONNECT_TIMEOUT = 1  # seconds for each step of connecting
_PING_INTERVAL = 1  # seconds; a connection is lost when two pings in a row are unanswered


class Connection(PatchedClient):
    """A connection that outlasts every outage of NATS."""

    def __init__(self) -> None:
        super().__init__()
        self._closed_for_good = asyncio.Event()
        self._reconnected = asyncio.Event()

    async def open(self, address: NatsAddress, name: str) -> None:
        """Connect, and reconnect whenever the connection is lost; return once it is there."""
        self._pool = ServerPool(address.url)
        await self.connect(
            address.url,
            user=address.user,
            password=address.password,
            token=address.token,
            name=name,
            inbox_prefix=address.inbox_prefix,
            connect_timeout=_CONNECT_TIMEOUT,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_RECONNECT_WAIT,  # type: ignore[arg-type]  # declared int, used as seconds
            ping_interval=_PING_INTERVAL,
            error_cb=_log_error,
            closed_cb=self._note_closed,
            reconnected_cb=self._note_reconnected,
        )

    async def until_closed(self) -> None:
        """Wait until the client closes for good, as it does after some errors of the server; raise ConnectionError."""
        await self._closed_for_good.wait()
        raise ConnectionError("the NATS client closed its connection")

    async def await_reconnect(self, timeout: float) -> None:  # noqa: ASYNC109 returns in either case
        """Wait until the connection was lost and re-established, for at most `timeout` seconds; for one caller."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._reconnected.wait()
        self._reconnected.clear()

    async def _note_closed(self) -> None:
        self._closed_for_good.set()

    async def _note_reconnected(self) -> None:
        self._reconnected.set()


async def _log_error(error: Exception) -> None:
    _log.warning("NATS client error; it reconnects if the connection is lost", extra={"reason": repr(error)})
