"""Events to subscribers over HTTP, and what they answer."""

import asyncio
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Self, cast
from urllib.parse import urlsplit, urlunsplit
from weakref import WeakSet

import aiohttp
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from events.broker.model import Destination
from events.broker.retries import is_retried, retry_after
from events.cloudevents.event import Event
from events.cloudevents.json_format import JSON_FORMAT, serialise
from events.dispatcher.signature import Signer

_log = logging.getLogger(__name__)

# Idle connections go before gunicorn closes its end after 2 s.
_KEEP_IDLE = 1.5  # seconds
_LARGEST_ANSWER = 1 << 20  # bytes, what NATS would take at most
_SUCCESS = range(200, 300)
_UNAUTHORIZED = 401

Headers = Mapping[str, str]

_NONE: Headers = {}

_reused: ContextVar[bool] = ContextVar("reused", default=False)


class DeliveryError(Exception):
    """An event that was not delivered. `code` is the HTTP status if there was one, `body` what the answer said."""

    def __init__(
        self, reason: str, *, retried: bool, code: int | None = None, body: bytes = b"", asked: float = 0.0
    ) -> None:
        super().__init__(reason)
        self.retried = retried
        self.code = code
        self.body = body
        self.asked = asked


@dataclass(frozen=True, slots=True)
class Answer:
    """A subscriber's 2xx."""

    status: int
    headers: Headers
    body: bytes


class Subscribers:
    """HTTP to all subscribers; its connections are closed at the end of the context.

    `aliases` say where hosts are that no DNS knows, as `host → host:port`. Without a `signer` nothing is signed.
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
    ) -> Answer:
        """POST an event, with headers besides its own. Raises DeliveryError unless the answer is a 2xx."""
        url, headers = self._address(to.url)
        headers |= fields
        data = _write(event, headers, structured=structured)
        signature = self._signer and self._signer.authorization(to)
        if signature:
            headers["Authorization"] = signature
        try:
            status, answered, body = await self._post(url, headers, data, patience)
        except TimeoutError as error:
            raise DeliveryError(f"no answer within {patience:g} s", retried=True) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise DeliveryError(repr(error), retried=True) from error
        if status in _SUCCESS:
            return Answer(status, answered, body)
        # A signature that is refused says nothing of the event: keys or clocks differ until somebody mends them.
        retried = is_retried(status) or (status == _UNAUTHORIZED and signature is not None)
        asked = retry_after(status, answered.get("Retry-After"))
        raise DeliveryError(f"answered {status}", retried=retried, code=status, body=body, asked=asked)

    async def _post(
        self, url: str, headers: dict[str, str], data: bytes, patience: float
    ) -> tuple[int, Headers, bytes]:
        """A connection that the subscriber closed while it was idle says nothing about the subscriber: once more."""
        limit = _limit(patience)
        try:
            return await _exchange(self._kept, url, headers, data, limit)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if not _reused.get():
                raise
            return await _exchange(self._fresh, url, headers, data, limit)

    def _address(self, url: str) -> tuple[str, dict[str, str]]:
        parts = urlsplit(url)
        alias = self._aliases.get(parts.netloc)
        if alias is None:
            return url, {}
        return urlunsplit(parts._replace(netloc=alias)), {"Host": parts.netloc}


@lru_cache
def _limit(patience: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=patience)


def _write(event: Event, headers: dict[str, str], *, structured: bool) -> bytes:
    """The body that an event has in structured mode, or in binary mode; `headers` get what belongs to it."""
    if structured:
        headers["Content-Type"] = JSON_FORMAT
        return serialise(event)
    headers |= event.headers
    if event.content_type is not None:
        headers["Content-Type"] = event.content_type
    return event.data


class _Connector(aiohttp.TCPConnector):
    """Notes in `_reused` whether a task's request goes out on a connection that has served another before."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=_KEEP_IDLE)
        self._used = WeakSet[asyncio.BaseProtocol]()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 aiohttp's signature
    ) -> Connection:
        """As aiohttp does; its own way to tell, a TraceConfig, costs several times as much."""
        connection = await super().connect(req, traces, timeout)
        protocol = cast(asyncio.BaseProtocol, connection.protocol)
        _reused.set(protocol in self._used)
        self._used.add(protocol)
        return connection


def _session(connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    """Without cookies, and without headers of its own making: an event without a content type has none."""
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("Content-Type", "User-Agent")
    )


async def _exchange(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], data: bytes, limit: aiohttp.ClientTimeout
) -> tuple[int, Headers, bytes]:
    async with session.post(url, headers=headers, data=data, timeout=limit, allow_redirects=False) as response:
        return response.status, response.headers, await _read(response)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body of a success; of a failure as much as there is, for its status says enough."""
    if response.content.at_eof():  # nothing comes with a 204, the most frequent answer
        return b""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > _LARGEST_ANSWER:
                break
    except aiohttp.ClientPayloadError:
        if response.status in _SUCCESS:
            raise
    if len(body) > _LARGEST_ANSWER and response.status in _SUCCESS:
        raise aiohttp.ClientPayloadError("the answer is larger than any event")
    return bytes(body)
