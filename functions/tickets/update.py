"""PUT /api/tickets/:id: change title and price of a ticket that is not reserved."""

import functions_framework
from flask import Request

from events.catalogue import TicketState, TicketUpdated
from functions.shared.money import parse_price
from functions.shared.web.body import fields
from functions.shared.web.http import Response, ok, path_id, route
from functions.shared.web.session import signed_in
from functions.tickets import domain, repository
from functions.tickets.domain import Ticket
from functions.tickets.messages import state


@functions_framework.http
@route
def update_ticket(request: Request) -> Response:
    """Take `{title, price}`; return 200 and the ticket."""
    seller = signed_in(request)
    with fields(request) as body:
        title = body.read("title", domain.parse_title)
        price = body.read("price", parse_price)

    def edit(ticket: Ticket) -> tuple[Ticket, TicketUpdated]:
        edited = ticket.edit(seller.id, title, price)
        return edited, state(TicketUpdated, edited)

    return ok(state(TicketState, repository.update(path_id(request), edit)))
