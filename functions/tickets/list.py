"""GET /api/tickets: the tickets on sale."""

import functions_framework
from flask import Request

from events.catalogue import TicketState
from functions.shared.web.http import Response, route
from functions.shared.web.pagination import page_response, requested_page
from functions.tickets import repository
from functions.tickets.messages import state


@functions_framework.http
@route
def list_tickets(request: Request) -> Response:
    """Return 200 and an array of the tickets that are not reserved, a page at a time."""
    page = requested_page(request)
    return page_response(request, page, [state(TicketState, ticket) for ticket in repository.on_sale(page)])
