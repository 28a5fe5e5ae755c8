"""Connections of the ingress, each closed in time if no whole request head arrives on it."""

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

_HEAD_TIMEOUT = 10.0  # seconds from connecting, or from the first byte of a later request, until its head is there
_IDLE_TIMEOUT = 120.0  # seconds between requests; longer than clients keep idle connections, Go's for instance 90


class Connection(RequestHandler):
    """Closes itself when a request head takes too long. aiohttp limits only the time between two requests."""

    __slots__ = ("_deadline", "_is_busy")

    def __init__(self, manager: web.Server, **options: Any) -> None:  # noqa: ANN401 aiohttp's own
        super().__init__(manager, keepalive_timeout=_IDLE_TIMEOUT, **options)
        self._deadline: asyncio.TimerHandle | None = None
        self._is_busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect the head of the first request."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Expect the rest of a head whose beginning this may be."""
        if not self._is_busy and self._deadline is None:
            self._expect_head()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Expect nothing more."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def begin_request(self) -> None:
        """Note that a request's head is there: the handler runs."""
        self._cancel_deadline()
        self._is_busy = True

    def end_request(self) -> None:
        """Note that the handler is done."""
        self._is_busy = False

    def _expect_head(self) -> None:
        self._deadline = self._loop.call_later(_HEAD_TIMEOUT, self.force_close)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class Server(web.Server):
    """Makes such connections. Content codings are not decoded, as at no other entrance."""

    def __call__(self) -> RequestHandler:
        """Make the protocol of a new connection."""
        return Connection(self, loop=self._loop, access_log=None, auto_decompress=False)
