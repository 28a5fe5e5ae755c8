"""POST /api/tickets: offer a ticket for sale."""

from functools import partial

import functions_framework
from flask import Request

from events.catalogue import TicketCreated, TicketState
from functions.shared.money import parse_price
from functions.shared.storage.database import new_id
from functions.shared.web.body import fields
from functions.shared.web.http import Response, created, route
from functions.shared.web.idempotency import idempotent, save_response
from functions.shared.web.session import signed_in
from functions.tickets import domain, repository
from functions.tickets.messages import state


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_ticket(request: Request) -> Response:
    """Take `{title, price}`; return 201 and the ticket."""
    seller = signed_in(request)
    with fields(request) as body:
        title = body.read("title", domain.parse_title)
        price = body.read("price", parse_price)
    ticket = domain.Ticket(new_id(), seller.id, title, price)
    response = created(state(TicketState, ticket))
    repository.add(ticket, state(TicketCreated, ticket), partial(save_response, response))
    return response
