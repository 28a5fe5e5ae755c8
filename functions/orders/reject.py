"""On ticket.reservation-rejected: cancel an order whose ticket was deleted meanwhile."""

import functions_framework

from events.catalogue import ReservationRejected
from functions.orders import repository
from functions.orders.messages import cancellation
from functions.shared.clock import now
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(ReservationRejected)
def reject_order(event: ReservationRejected) -> None:
    """Cancel the order, even a complete one: its ticket does not exist."""
    repository.update(event.order_id, lambda order: order.reject(now(), event.reason), cancellation)
