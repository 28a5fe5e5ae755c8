"""GET /healthz, /readyz and perhaps /metrics of a process."""

import asyncio
from collections.abc import Awaitable, Callable

from nats.aio.client import Client

_REQUEST_TIMEOUT = 5.0  # seconds
_LARGEST_LINE = 4096  # bytes
_ROUND_TRIP = 2.0  # seconds
_FOREVER = 86_400  # seconds
_METRICS_TYPE = b"text/plain; version=1.0.0; charset=utf-8"

Ready = Callable[[], Awaitable[bool]]
Metrics = Callable[[], Awaitable[bytes]]


class NatsReadiness:
    """Whether NATS answers now.

    One PING is under way at a time and is never given up on its connection: nats-py would not outlive its answer.
    """

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._reconnects = 0
        self._ping: asyncio.Task[None] | None = None

    async def __call__(self) -> bool:
        """Return within seconds, True after a round trip."""
        if not self._connection.is_connected:
            return False
        ping = self._pinging()
        await asyncio.wait([ping], timeout=_ROUND_TRIP)
        return ping.done() and not ping.cancelled() and ping.exception() is None

    def _pinging(self) -> asyncio.Task[None]:
        reconnects = self._connection.stats["reconnects"]
        if self._ping is not None and reconnects != self._reconnects:
            self._ping.cancel()  # it was for a connection that is gone
        if self._ping is None or self._ping.done() or reconnects != self._reconnects:
            self._reconnects = reconnects
            self._ping = asyncio.create_task(self._connection.flush(_FOREVER))
        return self._ping


async def serve(port: int, ready: Ready, host: str | None = None, metrics: Metrics | None = None) -> asyncio.Server:
    """A server that says 200 to /healthz, and to /readyz while `ready` holds, else 503; on every address, or on one.

    /metrics is what `metrics` returns, in Prometheus' text format.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), _REQUEST_TIMEOUT)
            writer.write(await _response(line, ready, metrics))
            await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # a probe that went away, or none at all
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=_LARGEST_LINE)


async def _response(request_line: bytes, ready: Ready, metrics: Metrics | None) -> bytes:
    path = request_line.split(b" ")[1:2]
    status, content = b"200 OK", b""
    if path == [b"/readyz"]:
        status = b"200 OK" if await ready() else b"503 Service Unavailable"
    elif path == [b"/metrics"] and metrics is not None:
        content = await metrics()
    elif path != [b"/healthz"]:
        status = b"404 Not Found"
    fields = b"Content-Type: %b\r\nContent-Length: %d\r\nConnection: close" % (_METRICS_TYPE, len(content))
    return b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, fields, content)
