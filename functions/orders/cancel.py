"""DELETE /api/orders/:id: give a reservation up."""

import functions_framework
from flask import Request

from functions.orders import repository
from functions.orders.messages import cancelled
from functions.shared.web.http import Answer, no_content, path_id, route
from functions.shared.web.session import signed_in


@functions_framework.http
@route
def cancel_order(request: Request) -> Answer:
    """→ 204; again 204 if it was cancelled before."""
    buyer = signed_in(request)
    repository.update(
        path_id(request),
        lambda order: order.cancelled_by(buyer.id),
        lambda order: cancelled(order, "cancelled by the buyer"),
    )
    return no_content()
