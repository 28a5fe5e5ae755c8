"""POST /api/orders: reserve a ticket for as long as a buyer needs to pay."""

import os
from datetime import timedelta

import functions_framework
from flask import Request

from events.catalogue import OrderCreated, OrderState
from functions.orders import domain, repository, tickets
from functions.orders.messages import state
from functions.shared.clock import await_replica, now
from functions.shared.errors import NotFound
from functions.shared.storage.database import new_id
from functions.shared.web.body import fields
from functions.shared.web.http import Answer, created, route
from functions.shared.web.idempotency import idempotent
from functions.shared.web.session import signed_in


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_order(request: Request) -> Answer:
    """`{ticketId}` → 201 order. Whether the ticket is free is decided by the database as the order is stored."""
    buyer = signed_in(request)
    with fields(request) as body:
        ticket_id = body.read("ticketId", domain.parse_ticket_id)
    ticket = await_replica(lambda: tickets.find(ticket_id))
    if ticket is None or ticket.deleted:
        raise NotFound
    order = domain.Order(new_id(), buyer.id, now() + _window(), ticket)
    answer = created(state(OrderState, order))
    repository.add(order, state(OrderCreated, order), answer)
    return answer


def _window() -> timedelta:
    return timedelta(seconds=float(os.environ.get("EXPIRATION_WINDOW_SECONDS", "900")))
