"""What every route does alike: health, errors, CloudEvents in and out, one log line per request.

A route takes a flask.Request and returns an `Answer`. It runs behind functions-framework, which hands it any path
and any method: the gateway decides what reaches it.
"""

import functools
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

import msgspec
from flask import Request, Response
from gunicorn.config import Keepalive
from werkzeug.exceptions import HTTPException

from events.catalogue import SOURCE_PREFIX, TYPE_PREFIX
from functions.shared import log, trace
from functions.shared.errors import ApiError, FieldError, NotFound, status_of
from functions.shared.ids import parse_id
from functions.shared.web import body, cloudevent

JSON = "application/json"
SERVER_FAULT = [FieldError("Something went wrong")]
# Who stands in front keeps idle connections, Knative's queue-proxy for 90 s. If gunicorn closed them first, as it does
# after 2 s, a request that is sent just then would meet a reset. functions-framework has no setting for it.
KEEP_ALIVE_SECONDS = 120
Keepalive.default = KEEP_ALIVE_SECONDS
UNREAD = {HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}  # answers that may come before the body


@dataclass(frozen=True)
class Answer:
    """What a route answers: a status, and a body that msgspec can encode unless it is None."""

    status: HTTPStatus
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


Route = Callable[[Request], Answer]
Handler = Callable[[Request], Response]


def ok(body: object, **headers: str) -> Answer:
    """200 with a body."""
    return Answer(HTTPStatus.OK, body, headers)


def created(body: object, **headers: str) -> Answer:
    """201 with the thing created."""
    return Answer(HTTPStatus.CREATED, body, headers)


def no_content() -> Answer:
    """204."""
    return Answer(HTTPStatus.NO_CONTENT)


def refused(refusal: ApiError) -> Answer:
    """A refusal in the words of the table of errors."""
    return Answer(HTTPStatus(status_of(refusal)), errors(refusal.problems))


def path_id(request: Request) -> str:
    """The id that the path ends with.

    Raises:
        NotFound: it is no id, so nothing can have it.
    """
    if (found := parse_id(request.path.rpartition("/")[2])) is None:
        raise NotFound
    return found


class Empty(Response):
    """A response without a body, so with no type of one."""

    default_mimetype = None


def route(function: Route) -> Handler:
    """Make a route an HTTP function."""

    @functools.wraps(function)
    def handle(request: Request) -> Response:
        if request.path == "/healthz":
            return Response("ok", mimetype="text/plain")
        return observed(request, lambda: _respond(request, _answer(function, request)))

    return handle


def observed(request: Request, respond: Callable[[], Response]) -> Response:
    """Respond within the caller's trace, and log that it was done."""
    trace.follow(request.headers.get("ce-traceparent") or request.headers.get("traceparent"))
    started = time.perf_counter()
    response = respond()
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    log.info(
        f"{request.method} {request.path} {response.status_code}",
        status=response.status_code,
        ms=milliseconds,
    )
    return response


def refusal_or_fault(error: Exception) -> Answer:
    """The answer to an error: in the table's words if it is a refusal, else nothing of the inside."""
    if isinstance(error, ApiError):
        return refused(error)
    if isinstance(error, HTTPException) and error.code:
        status = HTTPStatus(error.code)
        return Answer(status, errors([FieldError(status.phrase)]))
    log.exception("unexpected error", error)
    return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, errors(SERVER_FAULT))


def as_json(answer: Answer) -> Response:
    """The response to an answer that has a body, in JSON."""
    return _response(answer, msgspec.json.encode(answer.body), JSON)


def errors(problems: list[FieldError]) -> dict[str, object]:
    """The body of every error."""
    return {"errors": [{"message": p.message} | ({"field": p.field} if p.field else {}) for p in problems]}


def _answer(function: Route, request: Request) -> Answer:
    try:
        body.read(request)
        return function(request)
    except Exception as error:  # noqa: BLE001 - whatever it is, the client gets JSON and none of our inside
        return refusal_or_fault(error)


def _respond(request: Request, answer: Answer) -> Response:
    if answer.body is None:
        return Empty(status=answer.status, headers=answer.headers)
    if _wants_cloudevent(request):
        return _response(answer, _as_cloudevent(answer.body), cloudevent.CONTENT_TYPE)
    return as_json(answer)


def _response(answer: Answer, content: bytes, content_type: str) -> Response:
    response = Response(content, answer.status, answer.headers, content_type=content_type)
    if answer.status in UNREAD:
        # functions-framework reads the rest of the body before it answers, unless the answer is a stream.
        response.response = iter([content])
    return response


def _wants_cloudevent(request: Request) -> bool:
    """Asked for by Accept, or by the Prefer header with which Knative's brokers announce that they take replies."""
    accepted = request.headers.get("accept", "").lower()
    return cloudevent.CONTENT_TYPE in accepted or request.headers.get("prefer", "").lower() == "reply"


def _as_cloudevent(body: object) -> bytes:
    function = log.function_name()
    context = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": SOURCE_PREFIX + function.partition("-")[0],
        "type": f"{TYPE_PREFIX}{function}.answered",
        "time": cloudevent.timestamp(),
        "datacontenttype": JSON,
        "traceparent": trace.current(),
    }
    return cloudevent.encode(context, body)
