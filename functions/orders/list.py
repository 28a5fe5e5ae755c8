"""GET /api/orders: the caller's own orders."""

import functions_framework
from flask import Request

from events.catalogue import OrderState
from functions.orders import repository
from functions.orders.messages import state
from functions.shared.web.http import Answer, route
from functions.shared.web.pagination import answer, page
from functions.shared.web.session import signed_in


@functions_framework.http
@route
def list_orders(request: Request) -> Answer:
    """→ 200 array of the caller's orders in every status, a page at a time."""
    buyer = signed_in(request)
    asked = page(request)
    return answer(request, asked, [state(OrderState, order) for order in repository.of_buyer(buyer.id, asked)])
