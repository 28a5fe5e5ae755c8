"""POST /api/orders/:id/renewal: give the buyer more time to pay (WCAG 2.2.1)."""

from functools import partial

import functions_framework
from flask import Request

from events.catalogue import OrderRenewed, OrderState
from functions.orders import repository, settings
from functions.orders.domain import Order
from functions.orders.messages import state
from functions.shared.clock import now
from functions.shared.storage.transaction import Step
from functions.shared.web.http import Response, ok, path_id, route
from functions.shared.web.idempotency import idempotent, save_response
from functions.shared.web.session import signed_in

SHARE = 3  # a renewal gives this part of the window


def _order_id(request: Request) -> str:
    return path_id(request, -2)


@functions_framework.http
@route
@idempotent(by=signed_in, about=_order_id)
def renew_order(request: Request) -> Response:
    """Return 200 and the order, which expires a third of the window from now, or later if it did before."""
    buyer = signed_in(request)

    def renew(order: Order) -> Order:
        return order.renew(buyer.id, now(), settings.window() / SHARE, settings.renewals())

    def respond(order: Order) -> Step:
        return partial(save_response, ok(state(OrderState, order)))

    order = repository.update(_order_id(request), renew, partial(state, OrderRenewed), respond)
    return ok(state(OrderState, order))
