"""POST /api/orders: reserve a ticket until the buyer has paid, for a limited time."""

from functools import partial

import functions_framework
from flask import Request

from events.catalogue import OrderCreated, OrderState
from functions.orders import domain, repository, settings, tickets
from functions.orders.messages import state
from functions.shared.clock import now
from functions.shared.errors import NotFound
from functions.shared.money import parse_optional_price
from functions.shared.replication import await_replica
from functions.shared.storage.database import new_id
from functions.shared.web.body import fields
from functions.shared.web.http import Response, created, route
from functions.shared.web.idempotency import idempotent, save_response
from functions.shared.web.session import signed_in


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_order(request: Request) -> Response:
    """Take `{ticketId, price?}`; return 201 and the order. As it is stored, the database decides if the ticket is free.

    With `price`, as the buyer saw it, the order is made at that price or not at all.
    """
    buyer = signed_in(request)
    with fields(request) as body:
        ticket_id = body.read("ticketId", domain.parse_ticket_id)
        price = body.read("price", parse_optional_price)
    ticket = await_replica(ticket_id, lambda: tickets.find(ticket_id))
    if ticket is None or ticket.deleted:
        raise NotFound
    order = domain.reserve(new_id(), buyer.id, ticket.require_price(price), now(), settings.window())
    response = created(state(OrderState, order))
    also = partial(save_response, response)
    repository.add(order, state(OrderCreated, order), also, settings.reservations_per_buyer())
    return response
