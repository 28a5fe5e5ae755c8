"""Delivery of events to subscribers over HTTP."""

import asyncio
import logging
import os
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Self, cast
from urllib.parse import urlsplit
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from events.broker.model import Destination
from events.broker.retries import is_retried, retry_after
from events.broker.urls import encode
from events.cloudevents.event import Event
from events.cloudevents.messages import write_message
from events.dispatcher.signature import Signer
from events.telemetry import spans

_log = logging.getLogger(__name__)

# Shorter than functions (120 s) and Knative's queue-proxy (90 s) keep an idle connection, so that quiet Triggers reuse
# theirs and hardly ever meet one that was closed. Subscribers that close earlier cost one more connection, see `_post`.
_KEEP_IDLE = 60.0  # seconds
AIOHTTP_VERSION = "3.14.5"  # which `_Connector` overrides: a test fails when another one is installed
_MAX_RESPONSE = 1 << 20  # bytes, the largest message of NATS
_SUCCESS = range(200, 300)
_UNAUTHORIZED = 401

Headers = Mapping[str, str]

_NONE: Headers = {}

_reused: ContextVar[bool] = ContextVar("reused", default=False)


class DeliveryError(Exception):
    """A failed delivery.

    `retried` tells if it may be tried again, `min_delay` in how many seconds at the earliest (Retry-After). `code` and
    `body` are the response's, if there was one.
    """

    def __init__(
        self,
        reason: str,
        *,
        retried: bool,
        code: int | None = None,
        body: bytes = b"",
        min_delay: float = 0.0,
    ) -> None:
        super().__init__(reason)
        self.retried = retried
        self.code = code
        self.body = body
        self.min_delay = min_delay


@dataclass(frozen=True, slots=True)
class Response:
    """A subscriber's 2xx."""

    status: int
    headers: Headers
    body: bytes


class Subscribers:
    """HTTP client of all subscribers; its connections are closed at the end of the context.

    `aliases` give the addresses of hosts that are not in DNS, as `host → host:port`. Without a `signer` deliveries are
    not signed.
    """

    def __init__(self, aliases: Mapping[str, str], signer: Signer | None = None) -> None:
        self._aliases = aliases
        self._signer = signer
        self._kept = _session(_Connector())
        self._fresh = _session(aiohttp.TCPConnector(limit=0, force_close=True))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kept.close()
        await self._fresh.close()

    async def deliver(
        self, event: Event, to: Destination, patience: float, fields: Headers = _NONE, *, structured: bool = False
    ) -> Response:
        """POST an event, with `fields` as further headers. Raises DeliveryError unless a 2xx comes in `patience` s."""
        url, headers = self._address(to.url)
        own, data = write_message(event, structured=structured)
        headers |= {**fields, **own, **spans.outgoing()}
        signature = self._signer and self._signer.authorization(to)
        if signature:
            headers["Authorization"] = signature
        try:
            async with asyncio.timeout(patience):
                status, received, body = await self._post(url, headers, data)
        except TimeoutError as error:
            raise DeliveryError(f"no answer within {patience:g} s", retried=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryError(_reason(error).replace(to.url, to.redacted), retried=True) from error
        spans.annotate(lambda: {"http.response.status_code": status})
        if status in _SUCCESS:
            return Response(status, received, body)
        # A rejected signature says nothing of the event: keys or clocks differ until an operator corrects them.
        retried = is_retried(status) or (status == _UNAUTHORIZED and signature is not None)
        min_delay = retry_after(status, received.get("Retry-After"))
        raise DeliveryError(f"answered {status}", retried=retried, code=status, body=body, min_delay=min_delay)

    async def _post(self, url: URL, headers: dict[str, str], data: bytes) -> tuple[int, Headers, bytes]:
        """A connection that the subscriber closed while it was idle is not its failure: send once more on a new one."""
        try:
            return await _exchange(self._kept, url, headers, data)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not _reused.get():
                raise
            return await _exchange(self._fresh, url, headers, data)

    def _address(self, url: str) -> tuple[URL, dict[str, str]]:
        host = urlsplit(url).netloc
        alias = self._aliases.get(host)
        if alias is None:
            return _opaque(url), {}
        return _opaque(url.replace(f"//{host}", f"//{alias}", 1)), {"Host": host}


@lru_cache
def _opaque(url: str) -> URL:
    """Return a URL that is requested byte for byte as written, but for an empty query and a host that is not ASCII."""
    return URL(encode(url), encoded=True) if urlsplit(url).netloc.isascii() else URL(url)


class _Connector(aiohttp.TCPConnector):
    """Records in `_reused` if a task's request uses a connection that has served another before."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_KEEP_IDLE)
        self._used = WeakSet[asyncio.BaseProtocol]()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 aiohttp's signature
    ) -> Connection:
        """Connect as aiohttp does; a TraceConfig would tell the same at several times the cost."""
        connection = await super().connect(req, traces, timeout)
        protocol = cast(asyncio.BaseProtocol, connection.protocol)
        _reused.set(protocol in self._used)
        self._used.add(protocol)
        return connection


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Make a session without cookies and default headers: an event without a content type must not get one.

    It asks for no content coding and decodes none, as a reply is read like an event at any entrance. The caller limits
    the time of a request.
    """
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        skip_auto_headers=("Content-Type", "User-Agent"),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
    )


async def _exchange(
    session: aiohttp.ClientSession, url: URL, headers: dict[str, str], data: bytes
) -> tuple[int, Headers, bytes]:
    async with session.post(url, headers=headers, data=data, allow_redirects=False) as response:
        return response.status, response.headers, await _read(response)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Read the whole body of a success; of a failure as much as arrives, for its status says enough."""
    if response.content.at_eof():  # a 204, the most frequent status, has no body
        return b""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _MAX_RESPONSE:
                break
    except aiohttp.ClientPayloadError:
        if response.status in _SUCCESS:
            raise
    if len(body) > _MAX_RESPONSE and response.status in _SUCCESS:
        raise aiohttp.ClientPayloadError("the response is larger than any event")
    return bytes(body)


def _reason(error: Exception) -> str:
    """Return why no response came, in words where it was the connection."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return repr(error)
    cause = error.os_error
    if cause.errno is None or cause.errno < 0:  # a look-up of a name that failed, which has words of its own
        return f"connection failed: {cause.strerror or cause}"
    return f"connection failed: {os.strerror(cause.errno)}"
