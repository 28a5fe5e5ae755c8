"""Routes about spans: OTLP's own, and what the page asks."""

from http import HTTPStatus

import msgspec
from aiohttp import web

from events.console.access import error, respond
from events.console.spans import otlp
from events.console.spans.store import SpanStore

_MAX_TRACES = 50
_MAX_SHOWN = 2_000  # spans of an order


class Spans:
    """Takes spans on one machine, where `takes_spans` says so; elsewhere a collector does."""

    def __init__(self, *, takes_spans: bool) -> None:
        self._takes_spans = takes_spans
        self.store = SpanStore()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.post("/v1/traces", self._take),
            web.get("/v1/traces", self._export),
            web.get("/api/spans", self._show),
            web.get("/api/functions", self._figures),
        ]

    async def _take(self, request: web.Request) -> web.Response:
        if not self._takes_spans:
            return error(HTTPStatus.NOT_FOUND, "this console takes no spans; a collector does")
        if request.content_type not in {otlp.PROTOBUF, otlp.JSON}:
            return error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"send {otlp.PROTOBUF} or {otlp.JSON}")
        try:
            self.store.add(otlp.parse(request.content_type, await request.read()))
        except otlp.MalformedSpansError as failure:
            return error(HTTPStatus.BAD_REQUEST, str(failure))
        body = b"{}" if request.content_type == otlp.JSON else b""
        return web.Response(body=body, content_type=request.content_type)

    async def _export(self, request: web.Request) -> web.Response:
        """Return all spans, or those of the traces that are named, as OTLP's JSON for other viewers."""
        traces = request.query.getall("trace", [])
        spans = self.store.of(traces) if traces else list(self.store)
        headers = {"Content-Disposition": 'attachment; filename="spans.json"'}
        return web.Response(body=otlp.serialise(spans), content_type=otlp.JSON, headers=headers)

    async def _show(self, request: web.Request) -> web.Response:
        found = self.store.of(request.query.getall("trace", [])[:_MAX_TRACES])[:_MAX_SHOWN]
        return respond([{"service": span.service, "span": msgspec.Raw(span.content)} for span in found])

    async def _figures(self, _: web.Request) -> web.Response:
        return respond({"spans": len(self.store), "bytes": self.store.bytes, "functions": self.store.figures()})
