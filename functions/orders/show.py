"""GET /api/orders/:id: one of the caller's orders."""

import functions_framework
from flask import Request

from functions.orders import repository
from functions.orders.messages import with_history
from functions.shared.web.http import Response, ok, path_id, route
from functions.shared.web.session import signed_in


@functions_framework.http
@route
def show_order(request: Request) -> Response:
    """Return 200 and the order with its history."""
    buyer = signed_in(request)
    order = repository.find(path_id(request)).require_owner(buyer.id)
    return ok(with_history(order))
