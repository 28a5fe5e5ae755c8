"""DELETE /api/orders/:id: cancel an order."""

import functions_framework
from flask import Request

from functions.orders import repository
from functions.orders.messages import cancellation
from functions.shared.clock import now
from functions.shared.web.http import Response, no_content, path_id, route
from functions.shared.web.session import signed_in


@functions_framework.http
@route
def cancel_order(request: Request) -> Response:
    """Return 204; again 204 if it was cancelled before."""
    buyer = signed_in(request)
    repository.update(path_id(request), lambda order: order.cancel(buyer.id, now()), cancellation)
    return no_content()
