"""What every route does alike: health, errors, CloudEvents in and out, one log line per request.

A route takes a flask.Request and returns a `Response` of ours, which is stored and replayed for idempotency keys. It
runs behind functions-framework, which hands it any path and any method: the gateway decides what reaches it.
"""

import functools
import hashlib
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import flask
import msgspec
from flask import Request
from gunicorn.config import Keepalive
from werkzeug.exceptions import HTTPException

from events.catalogue import SOURCE_PREFIX, TYPE_PREFIX
from functions.shared import deadline, log, trace
from functions.shared.envelope import timestamp
from functions.shared.errors import ApiError, FieldError, NotFound, status_of
from functions.shared.ids import parse_id
from functions.shared.web import body, client, cloudevent

JSON = "application/json"
# What stands in front keeps idle connections, Knative's queue-proxy for 90 s. If gunicorn closed them first, as it does
# after 2 s, a request that is sent just then would meet a reset. functions-framework has no setting for it.
KEEP_ALIVE_SECONDS = 120
Keepalive.default = KEEP_ALIVE_SECONDS
UNREAD = {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}  # responses that may come before the body


@dataclass(frozen=True)
class Response:
    """What a route returns: a status, and a body that msgspec can encode unless it is None.

    `cookies` are Set-Cookie headers. They are not stored for idempotency keys, as all else of a response is.
    """

    status: HTTPStatus
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()


Route = Callable[[Request], Response]
Handler = Callable[[Request], flask.Response]


def ok(body: object, cookies: Sequence[str] = (), **headers: str) -> Response:
    """Return 200 with a body."""
    return Response(HTTPStatus.OK, body, headers, cookies)


def created(body: object, cookies: Sequence[str] = (), **headers: str) -> Response:
    """Return 201 with the representation of what was created."""
    return Response(HTTPStatus.CREATED, body, headers, cookies)


def no_content() -> Response:
    """Return 204."""
    return Response(HTTPStatus.NO_CONTENT)


def error_response(error: Exception) -> Response:
    """Return the response to an error: as errors.py has it, or 500 without any detail for what is not expected."""
    if isinstance(error, ApiError):
        retry_after = error.retry_after_seconds
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return _errors(HTTPStatus(status_of(error)), error.errors, headers)
    if isinstance(error, HTTPException) and error.code:
        status = HTTPStatus(error.code)
        return _errors(status, [FieldError(status.phrase)])
    log.exception("request failed with an unexpected error; 500 is sent", error)
    return _errors(HTTPStatus.INTERNAL_SERVER_ERROR, [FieldError(ApiError.message)])


def path_id(request: Request, part: int = -1) -> str:
    """Return the id that the path ends with, or that is another `part` of it.

    Raises:
        NotFound: it is not an ObjectId, so nothing can have it.
    """
    if (found := parse_id(request.path.split("/")[part])) is None:
        raise NotFound
    return found


class Empty(flask.Response):
    """A response without a body, so without a content type."""

    default_mimetype = None


def route(function: Route) -> Handler:
    """Make a route an HTTP function."""

    @functools.wraps(function)
    def handle(request: Request) -> flask.Response:
        if request.path == "/healthz":
            return flask.Response("ok", mimetype="text/plain")
        return observed(request, _name(request), lambda: _send(request, _call(function, request)))

    return handle


def observed(request: Request, name: str, respond: Callable[[], flask.Response]) -> flask.Response:
    """Respond within the caller's trace, in a span of that name, and log the request with its status and duration."""
    trace.follow(request.headers.get("traceparent"), request.headers.get("ce-traceparent"))
    deadline.follow(request.headers.get(deadline.HEADER))
    started = time.perf_counter()
    with trace.span(name, trace.Kind.SERVER, lambda: _attributes(request)) as span:
        response = respond()
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        span.set({"http.response.status_code": response.status_code})
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            span.fail(str(response.status_code))
        log.info(
            f"{request.method} {request.path} {response.status_code}",
            status=response.status_code,
            ms=milliseconds,
            **_sender(request, response),
        )
    return response


def _sender(request: Request, response: flask.Response) -> dict[str, str]:
    """Return the client's address for the log of errors; what succeeds is logged without it."""
    sender = client.address(request)
    return {"client": sender} if sender and response.status_code >= HTTPStatus.BAD_REQUEST else {}


def as_json(response: Response) -> flask.Response:
    """Encode a response that has a body as JSON."""
    return _encoded(response, msgspec.json.encode(response.body), JSON)


def _name(request: Request) -> str:
    """Return a span's name, by OpenTelemetry's conventions for HTTP."""
    return f"{request.method} {trace.route_of(request.path)}".rstrip()


def _attributes(request: Request) -> trace.Attributes:
    """Return what a span says of a request, by OpenTelemetry's conventions for HTTP."""
    said = {"http.request.method": request.method, "url.path": request.path, "url.scheme": request.scheme}
    route = trace.route_of(request.path)
    return {**said, "http.route": route} if route else said


def _call(function: Route, request: Request) -> Response:
    try:
        deadline.require_time()
        body.read(request)
        return function(request)
    except Exception as error:  # noqa: BLE001 - a client gets JSON without details for any error
        return error_response(error)


def _errors(status: HTTPStatus, errors: list[FieldError], headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with the body that every error has."""
    listed = [{"message": e.message} | ({"field": e.field} if e.field else {}) for e in errors]
    return Response(status, {"errors": listed}, dict(headers or {}))


def _send(request: Request, response: Response) -> flask.Response:
    if response.body is None:
        return Empty(status=response.status, headers=response.headers)
    if _wants_cloudevent(request):
        return _encoded(response, _as_cloudevent(response.body), cloudevent.CONTENT_TYPE)
    sent = as_json(response)
    return _unless_known(request, sent) if request.method == "GET" and response.status == HTTPStatus.OK else sent


def _unless_known(request: Request, sent: flask.Response) -> flask.Response:
    """Give the response an ETag; return 304 without a body if the client has that state already (RFC 9110, 13.1.2)."""
    sent.set_etag(hashlib.blake2b(sent.get_data(), digest_size=12).hexdigest())
    sent.headers["Cache-Control"] = "private, no-cache"  # a browser may keep it, and asks each time if it still holds
    sent.make_conditional(request)
    return sent


def _encoded(response: Response, content: bytes, content_type: str) -> flask.Response:
    sent = flask.Response(content, response.status, response.headers, content_type=content_type)
    for cookie in response.cookies:
        sent.headers.add("Set-Cookie", cookie)
    if response.status in UNREAD:
        # functions-framework reads the rest of the body before it responds, unless the response is a stream.
        sent.response = iter([content])
    return sent


def _wants_cloudevent(request: Request) -> bool:
    """Tell if a CloudEvent is asked for: by Accept, or by Prefer, as Knative's brokers do that take replies."""
    accepted = request.headers.get("accept", "").lower()
    return cloudevent.CONTENT_TYPE in accepted or request.headers.get("prefer", "").lower() == "reply"


def _as_cloudevent(body: object) -> bytes:
    function = log.function_name()
    context = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": SOURCE_PREFIX + function.partition("-")[0],
        "type": f"{TYPE_PREFIX}{function}.answered",
        "time": timestamp(),
        "datacontenttype": JSON,
        "traceparent": trace.current(),
    }
    return cloudevent.encode(context, body)
