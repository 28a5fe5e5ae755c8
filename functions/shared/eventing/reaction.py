"""What every reaction to an event does alike: health, who sends it, reading the CloudEvent, saying how it went.

The broker acts on the status (Knative eventing, data plane spec): 2xx is done; 409, 5xx and a few others are
delivered again; the remaining 4xx go to the dead letters. A body is a reply only if it is a CloudEvent, so a
reaction that has nothing to say answers 204.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from cloudevents.http import CloudEvent
from flask import Request, Response

from events.catalogue import Event
from functions.shared.errors import NotUnderstood
from functions.shared.eventing import signature
from functions.shared.web import body, cloudevent
from functions.shared.web.http import Empty, Handler, as_json, observed, refusal_or_fault


@dataclass(frozen=True)
class Reply:
    """An event to send in answer, not before the given time."""

    event: Event
    event_id: str
    not_before: datetime


Kinds = dict[tuple[str, str], type[Event]]
Reaction = Callable[[Any], Reply | None]  # of the kinds that it is said to react to


def reacts_to(*kinds: type[Event]) -> Callable[[Reaction], Handler]:
    """Make a reaction to these kinds of events an HTTP function that takes CloudEvents."""
    by_name: Kinds = {(kind.type(), kind.source()): kind for kind in kinds}

    def decorate(function: Reaction) -> Handler:
        @functools.wraps(function)
        def handle(request: Request) -> Response:
            if request.path == "/healthz":
                return Response("ok", mimetype="text/plain")
            return observed(request, lambda: _respond(function, by_name, request))

        return handle

    return decorate


def _respond(function: Reaction, kinds: Kinds, request: Request) -> Response:
    try:
        signature.require(request)  # first, so that nothing is read of what strangers send
        body.read(request)
        reply = function(_typed(cloudevent.receive(request), kinds))
    except Exception as error:  # noqa: BLE001 - the broker needs a status for whatever happens
        return as_json(refusal_or_fault(error))
    return Empty(status=HTTPStatus.NO_CONTENT) if reply is None else _as_response(reply)


def _typed(received: CloudEvent, kinds: Kinds) -> Event:
    kind = kinds.get((received["type"], received["source"]))
    if kind is None:
        raise NotUnderstood(f"No reaction to {received['type']} from {received['source']}")
    try:
        return msgspec.json.decode(received.data or b"", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(f"{received['type']}: {error}") from error


def _as_response(reply: Reply) -> Response:
    due = {"notbefore": reply.not_before.isoformat().replace("+00:00", "Z")}
    context = cloudevent.attributes(reply.event, reply.event_id) | due
    return Response(cloudevent.encode(context, reply.event), content_type=cloudevent.CONTENT_TYPE)
