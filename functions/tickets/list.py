"""GET /api/tickets: what is for sale."""

import functions_framework
from flask import Request

from events.catalogue import TicketState
from functions.shared.web.http import Answer, route
from functions.shared.web.pagination import answer, page
from functions.tickets import repository
from functions.tickets.messages import state


@functions_framework.http
@route
def list_tickets(request: Request) -> Answer:
    """→ 200 array of the tickets that nobody has reserved, a page at a time."""
    asked = page(request)
    return answer(request, asked, [state(TicketState, ticket) for ticket in repository.on_sale(asked)])
