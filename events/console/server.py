"""The console's HTTP: its page, its JSON API and its server-sent events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from http import HTTPStatus

import msgspec
import nats.errors
from aiohttp import web
from aiohttp.typedefs import Handler
from nats.aio.client import Client

from events.broker.subjects import StreamNames
from events.console import guarantees, page, stream
from events.console.access import Access, InvalidRequest, error, respond
from events.console.biography import Biographer
from events.console.search import Search
from events.console.snapshot import Snapshots

_log = logging.getLogger(__name__)

_MOST_READERS = 32  # pages with a stream open; each has a consumer
_LARGEST_BODY = 4 << 20
_INTERVAL = 2.0  # seconds between two states that are sent
_OBJECT_ID = "{id:[0-9a-f]{24}}"


class Events:
    """Routes about events: the stream, the search, biographies."""

    def __init__(self, connection: Client, names: StreamNames, search: Search, biographer: Biographer) -> None:
        self._connection = connection
        self._names = names
        self._search = search
        self._biographer = biographer
        self._readers = Readers()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/events", self._stream),
            web.get("/api/orders", self._find),
            web.get(f"/api/orders/{_OBJECT_ID}", self._biography),
        ]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        last = request.headers.get("Last-Event-ID", request.query.get("after", ""))
        selection = stream.Selection.parse(request.query)
        after = int(last) if last.isdecimal() else None
        return await self._readers.send(request, stream.server_sent(self._connection, self._names, selection, after))

    async def _find(self, request: web.Request) -> web.Response:
        return respond(await self._search.find(request.query.get("q", "")))

    async def _biography(self, request: web.Request) -> web.Response:
        found = await self._biographer.write(request.match_info["id"])
        return respond(found) if found else error(HTTPStatus.NOT_FOUND, "the log has nothing of this order")


class State:
    """Routes about the state of the whole system."""

    def __init__(self, connection: Client, names: StreamNames, snapshots: Snapshots) -> None:
        self._connection = connection
        self._names = names
        self._snapshots = snapshots
        self._readers = Readers()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/state", self._stream), web.get("/api/guarantees", self._guarantees)]

    async def _guarantees(self, request: web.Request) -> web.StreamResponse:
        return await self._readers.send(request, self._counted())

    async def _counted(self) -> AsyncIterator[bytes]:
        async with aclosing(guarantees.watch(self._connection, self._names)) as figures:  # type: ignore[type-var]
            async for one in figures:
                yield b"data: %b\n\n" % msgspec.json.encode(one)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self._readers.send(request, self._server_sent())

    async def _server_sent(self) -> AsyncIterator[bytes]:
        while True:
            try:
                yield b"data: %b\n\n" % msgspec.json.encode(await self._snapshots.latest())
            except (nats.errors.Error, TimeoutError) as failure:
                _log.warning("reading the state failed; retrying", extra={"reason": repr(failure)})
                yield b": NATS does not respond\n\n"
            await asyncio.sleep(_INTERVAL)


class Readers:
    """The pages that read server-sent events, as many at once as are bounded."""

    def __init__(self) -> None:
        self._count = 0

    async def send(self, request: web.Request, chunks: AsyncIterator[bytes]) -> web.StreamResponse:
        """Send chunks until they end, or the reader goes. A reader that lags is waited for, and nothing is queued."""
        if self._count >= _MOST_READERS:
            return error(HTTPStatus.SERVICE_UNAVAILABLE, f"{_MOST_READERS} pages read events already; close one")
        self._count += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        try:
            await response.prepare(request)
            async with aclosing(chunks) as sent:  # type: ignore[type-var]  # they are generators
                async for chunk in sent:
                    await response.write(chunk)
        except (ConnectionError, nats.errors.Error) as failure:
            _log.info("reader of events has gone", extra={"reason": repr(failure)})
        finally:
            self._count -= 1
        return response


def application(access: Access, routes: list[web.RouteDef]) -> web.Application:
    """Return the application with these routes and those of the page."""
    app = web.Application(middlewares=[access.middleware, explain], client_max_size=_LARGEST_BODY)
    app.add_routes(routes)
    app.add_routes(
        [
            web.get("/signin", page.show_sign_in),
            web.post("/signin", access.sign_in),
            web.get("/assets/{path:.+}", page.serve_file),
            web.get("/{path:(?!api/|v1/).*}", page.show),
        ]
    )
    return app


@web.middleware
async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into responses that say what failed."""
    try:
        return await handler(request)
    except InvalidRequest as failure:
        return error(HTTPStatus.BAD_REQUEST, str(failure))
    except web.HTTPRedirection:
        raise
    except web.HTTPException as failure:
        return error(HTTPStatus(failure.status), failure.reason)
    except (nats.errors.Error, TimeoutError) as failure:
        _log.warning("request to NATS failed; the page says so", extra={"path": request.path, "reason": repr(failure)})
        return error(HTTPStatus.SERVICE_UNAVAILABLE, "NATS does not respond; it is asked again when you reload")
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 a fault of ours must not end the process, and the page has to say so
        _log.exception("request failed; the page says so", extra={"path": request.path})
        return error(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong; the console's log lines say what")
