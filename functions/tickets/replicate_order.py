"""On order.created, order.completed, order.cancelled: reserve or release the order's ticket."""

import functions_framework

from events.catalogue import OrderCancelled, OrderCompleted, OrderCreated, OrderState
from functions.shared.eventing.reaction import reacts_to
from functions.tickets import reservations
from functions.tickets.domain import Reservation


@functions_framework.http
@reacts_to(OrderCreated, OrderCompleted, OrderCancelled)
def replicate_order(order: OrderState) -> None:
    """Store the order's newest state; its ticket is reserved while any known order for it is live."""
    live, paid = order.status != "cancelled", order.status == "complete"
    reservations.record(Reservation(order.id, order.ticket.id, order.version, live, paid))
