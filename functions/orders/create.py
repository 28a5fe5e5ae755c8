"""POST /api/orders: reserve a ticket until the buyer has paid, for a limited time."""

import os
from datetime import timedelta
from functools import partial

import functions_framework
from flask import Request

from events.catalogue import OrderCreated, OrderState
from functions.orders import domain, repository, tickets
from functions.orders.messages import state
from functions.shared.clock import now
from functions.shared.errors import NotFound
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
    """Take `{ticketId}`; return 201 and the order. As it is stored, the database decides if the ticket is free."""
    buyer = signed_in(request)
    with fields(request) as body:
        ticket_id = body.read("ticketId", domain.parse_ticket_id)
    ticket = await_replica(ticket_id, lambda: tickets.find(ticket_id))
    if ticket is None or ticket.deleted:
        raise NotFound
    order = domain.Order(new_id(), buyer.id, now() + _window(), ticket)
    response = created(state(OrderState, order))
    repository.add(order, state(OrderCreated, order), partial(save_response, response))
    return response


def _window() -> timedelta:
    return timedelta(seconds=float(os.environ.get("EXPIRATION_WINDOW_SECONDS", "900")))
