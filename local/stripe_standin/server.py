"""The HTTP server: the Stripe API below /v1, and the controls of the stand-in below /test."""

import asyncio
import base64
import binascii
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from local.stripe_standin import api
from local.stripe_standin.api import Endpoint
from local.stripe_standin.call import Call, new_id
from local.stripe_standin.controls import Controls
from local.stripe_standin.faults import FaultInjector
from local.stripe_standin.ledger import Ledger
from local.stripe_standin.problems import Problem, invalid
from local.stripe_standin.webhooks import Webhooks

FORM = "application/x-www-form-urlencoded"
SCRIPT = Path(__file__).with_name("stripe.js")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, PATCH, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Stripe-Version",
    "Access-Control-Expose-Headers": "Request-Id",
    "Access-Control-Max-Age": "300",
}
REFUSALS = {"before": api.unknown_error, "rate_limit": api.too_many, "refuse": api.not_allowed}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


class Keys(NamedTuple):
    """The API keys of the shop."""

    secret: str
    publishable: str


class Server:
    """Answers requests with one of the shop's keys."""

    def __init__(self, keys: Keys, ledger: Ledger, webhooks: Webhooks, injector: FaultInjector) -> None:
        self._api_keys = keys
        self._ledger = ledger
        self._webhooks = webhooks
        self._injector = injector
        self._keys_in_use: set[str] = set()

    def application(self) -> web.Application:
        """Its routes."""
        stripe = web.Application(middlewares=[_allow_browsers, _answer_problems, self._authenticate])
        for (method, path), endpoint in api.ENDPOINTS.items():
            stripe.router.add_route(method, path.removeprefix("/v1"), self._handler(endpoint))
        stripe.router.add_route("*", "/{rest:.*}", _refuse_url)
        application = web.Application(middlewares=[_note])
        application.add_subapp("/v1", stripe)
        application.router.add_get("/healthz", _healthz)
        application.router.add_get("/v3/", _script)
        application.add_routes(Controls(self._ledger, self._webhooks, self._injector).routes())
        return application

    @web.middleware
    async def _authenticate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        key = _api_key(request.headers.get("Authorization", ""))
        if not key:
            message = (
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            )
            raise invalid(message, status=401)
        request["is_browser"] = key == self._api_keys.publishable
        if not request["is_browser"] and not _equal(key, self._api_keys.secret):
            raise invalid(f"Invalid API Key provided: {'*' * 8}{ascii(key[-4:])[1:-1]}", status=401)
        api.check_version(request.headers.get("Stripe-Version", api.API_VERSION))
        return await handler(request)

    def _handler(self, endpoint: Endpoint) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            text = await _parameters(request)
            key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
            address, is_browser = f"{request.scheme}://{request.host}", request["is_browser"]
            call = Call(request["id"], key, address, is_browser, self._ledger, self._webhooks, self._injector)
            with self._using(key):
                return await self._behave(endpoint, call, request, text)

        return handle

    @contextmanager
    def _using(self, key: str | None) -> Iterator[None]:
        """No other request uses the key meanwhile."""
        if not key:
            yield
            return
        api.check_key(key)
        if key in self._keys_in_use:
            raise api.in_use(key)
        self._keys_in_use.add(key)
        try:
            yield
        finally:
            self._keys_in_use.discard(key)

    async def _behave(self, endpoint: Endpoint, call: Call, request: web.Request, text: str) -> web.Response:
        """Carry out a request, well or as badly as was told."""
        behaviour, concerned = self._injector.behaviour, self._injector.concerns(endpoint.perform.__name__)
        failure = (
            behaviour.fail if behaviour.fail and concerned and self._injector.happens(behaviour.probability) else None
        )
        if request.path.endswith("/confirm") or "confirm=true" in text:
            await asyncio.sleep(behaviour.charge_delay)
        if refusal := REFUSALS.get(failure or ""):
            raise refusal()
        if failure == "for_good":
            endpoint = endpoint._replace(perform=api.break_down)
        reply = api.carry_out(endpoint, call, request.path, request.match_info.get("id", ""), text)
        await asyncio.sleep(behaviour.delay if concerned else 0)
        if failure == "after" and request.transport:
            request.transport.abort()
        headers = {"Idempotent-Replayed": "true"} if reply.replayed else {}
        if call.key:
            headers["Idempotency-Key"] = call.key
        return web.Response(text=reply.body, status=reply.status, headers=headers, content_type="application/json")


@web.middleware
async def _note(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give a request its id, and log how it was answered."""
    request["id"] = new_id("req")
    began = time.monotonic()
    response = await handler(request)
    response.headers["Request-Id"] = request["id"]
    if request.path.startswith("/v1/"):
        details = {"status": response.status, "milliseconds": round(1000 * (time.monotonic() - began))}
        log.info("%s %s", request.method, request.path, extra=details | {"request": request["id"]})
    return response


@web.middleware
async def _allow_browsers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let scripts of any site ask and read the answer, as Stripe's API does."""
    response = web.Response() if request.method == "OPTIONS" else await handler(request)
    response.headers.update(CORS)
    return response


@web.middleware
async def _answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return web.Response(text=json.dumps(problem.body), status=problem.status, content_type="application/json")


async def _parameters(request: web.Request) -> str:
    """What the request says beyond its path: of a GET its query, of a POST its form."""
    if request.method != "POST":
        return request.rel_url.raw_query_string
    if request.can_read_body and request.content_type != FORM:
        raise invalid(f"Invalid request: please use the content type {FORM}.")
    return (await request.read()).decode(errors="replace")


async def _refuse_url(request: web.Request) -> web.StreamResponse:
    raise invalid(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)


async def _script(_: web.Request) -> web.StreamResponse:
    return web.FileResponse(SCRIPT, headers={"Content-Type": "text/javascript; charset=utf-8"})


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="OK")


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected.encode())


def _api_key(authorization: str) -> str:
    """The key of a Bearer or, as the user, of a Basic authorization."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""
