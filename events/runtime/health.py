"""Serve /healthz, /readyz and, where there are any, /metrics of a process."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from nats.aio.client import Client

_ROUND_TRIP = 2.0  # seconds
_FOREVER = 86_400  # seconds
_METRICS_TYPE = "text/plain; version=1.0.0; charset=utf-8"

Ready = Callable[[], Awaitable[bool]]
Metrics = Callable[[], Awaitable[bytes]]


class NatsReadiness:
    """Asks whether NATS answers now.

    One PING is under way at a time and is never cancelled on a live connection: nats-py would fail on its answer.
    """

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._reconnects = 0
        self._ping: asyncio.Task[None] | None = None

    async def __call__(self) -> bool:
        """Return True after a round trip, False without one within two seconds."""
        if not self._connection.is_connected:
            return False
        ping = self._current_ping()
        await asyncio.wait([ping], timeout=_ROUND_TRIP)
        return ping.done() and not ping.cancelled() and ping.exception() is None

    def _current_ping(self) -> asyncio.Task[None]:
        reconnects = self._connection.stats["reconnects"]
        if self._ping is not None and reconnects != self._reconnects:
            self._ping.cancel()  # it was sent on a connection that is closed
        if self._ping is None or self._ping.done() or reconnects != self._reconnects:
            self._reconnects = reconnects
            self._ping = asyncio.create_task(self._connection.flush(_FOREVER))
        return self._ping


@asynccontextmanager
async def serve(
    port: int, ready: Ready, host: str | None = None, metrics: Metrics | None = None
) -> AsyncIterator[web.AppRunner]:
    """Answer /healthz with 200, and /readyz with 200 while `ready` returns True, else 503, until the block ends.

    Listens at `host`, or at every address. /metrics is what `metrics` returns, in Prometheus' text format.
    """
    pages = web.Application()
    pages.add_routes(routes(ready))
    if metrics is not None:
        pages.add_routes([web.get("/metrics", _metrics_page(metrics))])
    runner = web.AppRunner(pages, access_log=None, shutdown_timeout=0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield runner
    finally:
        await runner.cleanup()


def routes(ready: Ready) -> list[web.RouteDef]:
    """Return the routes of /healthz and /readyz, for a process that serves other pages, too."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response()

    async def readyz(_: web.Request) -> web.Response:
        return web.Response(status=HTTPStatus.OK if await ready() else HTTPStatus.SERVICE_UNAVAILABLE)

    return [web.get("/healthz", healthz), web.get("/readyz", readyz)]


def _metrics_page(metrics: Metrics) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def page(_: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": _METRICS_TYPE})

    return page
