"""What every reaction to an event does alike: health, authentication, reading the CloudEvent, the response.

The broker acts on the status (Knative eventing, data plane spec): 2xx is done; 409, 5xx and a few others are
delivered again; the remaining 4xx are dead-lettered. A body is a reply only if it is a CloudEvent, so a reaction
without a reply returns 204.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import flask
import msgspec
from flask import Request

from events.catalogue import Event
from events.cloudevents.event import Event as CloudEvent
from functions.shared import trace
from functions.shared.envelope import attributes, order_of
from functions.shared.errors import NotUnderstood
from functions.shared.eventing import signature
from functions.shared.web import body, cloudevent
from functions.shared.web.http import Empty, Handler, as_json, error_response, observed


@dataclass(frozen=True)
class Reply:
    """An event to publish in reply, not before the given time."""

    event: Event
    event_id: str
    not_before: datetime


Kinds = dict[tuple[str, str], type[Event]]
Reaction = Callable[[Any], Reply | None]  # its argument is of the kinds that `reacts_to` names


def reacts_to(*kinds: type[Event]) -> Callable[[Reaction], Handler]:
    """Make a reaction to these kinds of events an HTTP function that receives CloudEvents."""
    by_name: Kinds = {(kind.type(), kind.source()): kind for kind in kinds}

    def decorate(function: Reaction) -> Handler:
        @functools.wraps(function)
        def handle(request: Request) -> flask.Response:
            if request.path == "/healthz":
                return flask.Response("ok", mimetype="text/plain")
            name = f"CloudEvents Process {request.headers.get('ce-type', '')}".rstrip()  # OpenTelemetry's convention
            return observed(request, name, lambda: _respond(function, by_name, request))

        return handle

    return decorate


def _respond(function: Reaction, kinds: Kinds, request: Request) -> flask.Response:
    try:
        signature.require(request)  # first, so that nothing of an unauthenticated request is read
        body.read(request)
        reply = function(_typed(cloudevent.receive(request), kinds))
    except Exception as error:  # noqa: BLE001 - the broker needs a status for any error
        return as_json(error_response(error))
    return Empty(status=HTTPStatus.NO_CONTENT) if reply is None else _as_response(reply)


def _typed(received: CloudEvent, kinds: Kinds) -> Event:
    kind = kinds.get((received["type"], received["source"]))
    if kind is None:
        raise NotUnderstood(f"No reaction to {received['type']} from {received['source']}")
    try:
        event = msgspec.json.decode(received.data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(f"{received['type']}: {error}") from error
    trace.annotate(lambda: order_of(event))
    return event


def _as_response(reply: Reply) -> flask.Response:
    due = {"notbefore": reply.not_before.isoformat().replace("+00:00", "Z")}
    context = attributes(reply.event, reply.event_id) | due
    return flask.Response(cloudevent.encode(context, reply.event), content_type=cloudevent.CONTENT_TYPE)
