"""The HTTP server of the ingress: `POST /<namespace>/<broker>`."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import cast

import nats.errors
from aiohttp import web

from events.broker import tracing
from events.broker.model import Broker
from events.broker.scheduling import StoredMessage
from events.ingress.admission import RejectedError, admit
from events.ingress.body import read_body, too_large
from events.ingress.connections import Connection, Server
from events.runtime import metrics
from events.runtime.publisher import MAX_EVENT, MessageRejectedError, Publisher
from events.telemetry import spans
from events.telemetry.attributes import of_headers

_log = logging.getLogger(__name__)

_RETRY_AFTER = "1"  # seconds
_PATH_PARTS = 3  # the first one is empty

Name = tuple[str, str]  # namespace, Broker


class Ingress:
    """Stores events that come over HTTP for the Brokers that `brokers` returns at that moment, by namespace and name.

    A Broker that only `expects` knows has no streams yet, and its clients are told to retry; so are those whose event
    `admits` says there is no room for, by the number of its bytes.
    """

    def __init__(
        self,
        publisher: Publisher,
        brokers: Callable[[], Mapping[Name, Broker]],
        expects: Callable[[Name], bool],
        admits: Callable[[Name, int], Awaitable[bool]],
    ) -> None:
        self._publisher = publisher
        self._brokers = brokers
        self._expects = expects
        self._admits = admits
        self._failing = False
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False

    async def run(self, port: int, host: str | None, drain: float, linger: float = 0.0) -> None:
        """Serve until cancelled, `linger` seconds longer, then let open requests end for `drain` seconds.

        From the cancellation on, each response closes its connection, so that clients move to other replicas.
        """
        runner = web.ServerRunner(Server(self._handle), shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._stopping = True
            await asyncio.sleep(linger)
            await site.stop()
            await self._drain(drain)
            await runner.cleanup()

    async def _drain(self, patience: float) -> None:
        """Wait for open requests: aiohttp would end those whose body has not arrived yet."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._idle.wait()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = cast(Connection, request.protocol)
        connection.begin_request()
        self._requests += 1
        self._idle.clear()
        try:
            response = await self._respond(request)
        finally:
            connection.end_request()
            self._requests -= 1
            if not self._requests:
                self._idle.set()
        if self._stopping:
            response.force_close()
        return response

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        name = _broker_name(request.raw_path)
        broker = self._brokers().get(name)
        with tracing.receive(broker.stream_names if broker else None, request.headers) as span:
            response = await self._answer(request, broker, name)
            span.set({"http.response.status_code": response.status})
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.fail(str(response.status))
        return response

    async def _answer(self, request: web.BaseRequest, broker: Broker | None, name: Name) -> web.StreamResponse:
        try:
            await self._store(request, broker, name)
        except RejectedError as error:
            response = web.Response(status=error.status, text=f"{error}\n", headers=error.headers)
        else:
            response = web.Response(status=HTTPStatus.ACCEPTED)
        labels = name if broker else ("", "")  # clients must not make up series
        metrics.requests(*labels, response.status).inc()
        return response

    async def _store(self, request: web.BaseRequest, broker: Broker | None, name: Name) -> None:
        """Return once the request's event is stored. Raises RejectedError."""
        if request.method != "POST":
            raise RejectedError(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed; use POST", {"Allow": "POST"})
        if broker is None and self._expects(name):
            raise _retry_later("the streams of the Broker do not exist yet; retry later")
        if broker is None:
            raise RejectedError(HTTPStatus.NOT_FOUND, "no such Broker; the path is /<namespace>/<name>")
        body = await read_body(request)
        message = admit(request.headers.items(), body, broker)
        if not await self._admits(name, len(message.data)):
            raise _retry_later("the Broker's log is almost full; retry later")
        spans.annotate(lambda: of_headers(message.headers))
        began, status = time.perf_counter(), HTTPStatus.ACCEPTED
        try:
            await self._publish(message)
        except RejectedError as error:
            status = error.status
            raise
        finally:
            seconds = time.perf_counter() - began
            metrics.of_ingress(*name).dispatched(message.headers["ce-type"], status.value, seconds)

    async def _publish(self, message: StoredMessage) -> None:
        headers = message.headers | spans.outgoing()
        try:
            await self._publisher.store(message.subject, headers, message.data, MAX_EVENT)
        except MessageRejectedError as error:
            raise too_large(str(error)) from error
        except nats.errors.Error as error:
            self._report(failing=True, reason=str(error))
            raise _retry_later("the event cannot be stored now; retry later") from error
        self._report(failing=False)

    def _report(self, *, failing: bool, reason: str = "") -> None:
        """Log once when storing begins to fail, and once when it works again, not for each event."""
        if failing and not self._failing:
            _log.warning("JetStream cannot store events; clients are told to retry", extra={"reason": reason})
        elif self._failing and not failing:
            _log.info("JetStream stores events again")
        self._failing = failing


def _broker_name(path: str) -> Name:
    """Return the name of the Broker in a path, empty for paths of other forms."""
    parts = path.partition("?")[0].removesuffix("/").split("/")
    return (parts[1], parts[2]) if len(parts) == _PATH_PARTS else ("", "")


def _retry_later(reason: str) -> RejectedError:
    return RejectedError(HTTPStatus.SERVICE_UNAVAILABLE, reason, {"Retry-After": _RETRY_AFTER})
