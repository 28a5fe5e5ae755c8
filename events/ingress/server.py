"""The HTTP of the ingress: `POST /<namespace>/<broker>`."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

import nats.errors
from aiohttp import HttpVersion11, web

from events.broker.model import Broker
from events.ingress.admission import RejectedError, admit
from events.runtime import metrics
from events.runtime.publisher import LARGEST_EVENT, MessageRejectedError, Publisher

_log = logging.getLogger(__name__)

_BODY_TIMEOUT = 30.0  # seconds until the whole request is there
_RETRY_AFTER = "1"  # seconds
_PARTS = 3  # of a path, the first one empty

Name = tuple[str, str]  # namespace, Broker


class Ingress:
    """Takes events over HTTP for the Brokers that `brokers` knows at that moment, by namespace and name.

    Those that `expects` knows besides are not in place yet, and their sources are told to come again.
    """

    def __init__(
        self, publisher: Publisher, brokers: Callable[[], Mapping[Name, Broker]], expects: Callable[[Name], bool]
    ) -> None:
        self._publisher = publisher
        self._brokers = brokers
        self._expects = expects
        self._stalled = False
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaving = False

    async def run(self, port: int, host: str | None, drain: float, linger: float = 0.0) -> None:
        """Serve until cancelled, `linger` seconds longer, then let requests under way end for `drain` seconds.

        From the cancellation on, each answer asks its client to connect anew, which leads it elsewhere by and by.
        """
        runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._leaving = True
            await asyncio.sleep(linger)
            await site.stop()
            await self._drain(drain)
            await runner.cleanup()

    async def _drain(self, patience: float) -> None:
        """Wait for what is under way: aiohttp would end requests whose body is not there yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self._under_way += 1
        self._idle.clear()
        try:
            answer = await self._respond(request)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()
        if self._leaving:
            answer.force_close()
        return answer

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        name = _name(request.raw_path)
        broker = self._brokers().get(name)
        try:
            await self._take(request, broker, name)
        except RejectedError as error:
            answer = web.Response(status=error.status, text=f"{error}\n", headers=error.headers)
        else:
            answer = web.Response(status=HTTPStatus.ACCEPTED)
        known = name if broker else ("", "")  # or anybody could make up series
        metrics.requests(*known, answer.status).inc()
        return answer

    async def _take(self, request: web.BaseRequest, broker: Broker | None, name: Name) -> None:
        """Return once the request's event is stored. Raises RejectedError."""
        if request.method != "POST":
            raise RejectedError(HTTPStatus.METHOD_NOT_ALLOWED, "events come by POST", {"Allow": "POST"})
        if broker is None and self._expects(name):
            raise _not_now("the Broker is not in place yet")
        if broker is None:
            raise RejectedError(HTTPStatus.NOT_FOUND, "there is no such Broker: the path is /<namespace>/<name>")
        body = await _body(request)
        message = admit(request.headers.items(), body, broker)
        try:
            await self._publisher.store(message.subject, message.headers, message.data, LARGEST_EVENT)
        except MessageRejectedError as error:
            raise _too_large(str(error)) from error
        except nats.errors.Error as error:
            self._note(stalled=True, reason=str(error))
            raise _not_now("the event cannot be stored now") from error
        self._note(stalled=False)

    def _note(self, *, stalled: bool, reason: str = "") -> None:
        """One line when storing begins to fail and one when it works again, not one an event."""
        if stalled and not self._stalled:
            _log.warning("JetStream takes no events", extra={"reason": reason})
        elif self._stalled and not stalled:
            _log.info("JetStream takes events again")
        self._stalled = stalled


def _name(path: str) -> Name:
    """The Broker that a path names, none at all for paths of other forms."""
    parts = path.partition("?")[0].removesuffix("/").split("/")
    return (parts[1], parts[2]) if len(parts) == _PARTS else ("", "")


async def _body(request: web.BaseRequest) -> bytes:
    """The request's body, refused before it comes if it says that it is too large. Raises RejectedError."""
    if (request.content_length or 0) > LARGEST_EVENT:
        raise _too_large(f"{request.content_length} bytes")
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        if request.content.is_eof():  # all of it came with the headers, as it mostly does
            return request.content.read_nowait()
        async with asyncio.timeout(_BODY_TIMEOUT):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large("the body") from None
    except TimeoutError:
        raise RejectedError(HTTPStatus.REQUEST_TIMEOUT, f"not all of it came within {_BODY_TIMEOUT:g} s") from None
    except web.RequestPayloadError as error:
        raise RejectedError(HTTPStatus.BAD_REQUEST, "the body is broken") from error


def _not_now(reason: str) -> RejectedError:
    return RejectedError(HTTPStatus.SERVICE_UNAVAILABLE, reason, {"Retry-After": _RETRY_AFTER})


def _too_large(reason: str) -> RejectedError:
    return RejectedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"too large: {reason}; {LARGEST_EVENT} bytes are taken at most"
    )
