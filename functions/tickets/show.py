"""GET /api/tickets/:id: one ticket, reserved or not."""

import functions_framework
from flask import Request

from events.catalogue import TicketState
from functions.shared.errors import NotFound
from functions.shared.web.http import Response, ok, path_id, route
from functions.tickets import repository
from functions.tickets.messages import state


@functions_framework.http
@route
def show_ticket(request: Request) -> Response:
    """Return 200 and the ticket."""
    if (ticket := repository.find(path_id(request))) is None:
        raise NotFound
    return ok(state(TicketState, ticket))
