"""GET /api/orders: the caller's own orders."""

from functools import partial

import functions_framework
from flask import Request

from events.catalogue import OrderState
from functions.orders import repository
from functions.orders.messages import state
from functions.shared.web.http import Response, route
from functions.shared.web.pagination import page_response, requested_page
from functions.shared.web.session import signed_in


@functions_framework.http
@route
def list_orders(request: Request) -> Response:
    """Return 200 and a page of the caller's orders in every status, oldest first; with `sort=newest` newest first."""
    buyer = signed_in(request)
    page = requested_page(request)
    found = repository.of_buyer(buyer.id, page)
    return page_response(request, page.limit, found, lambda order: order.id, partial(state, OrderState))
