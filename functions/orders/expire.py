"""On expiration.completed: cancel an order that was not paid in time."""

import functions_framework

from events.catalogue import ExpirationCompleted
from functions.orders import repository
from functions.orders.messages import cancellation
from functions.shared.clock import now
from functions.shared.eventing.reaction import reacts_to


@functions_framework.http
@reacts_to(ExpirationCompleted)
def expire_order(event: ExpirationCompleted) -> None:
    """Cancel the order if it is unpaid; an event before its time is refused, so that it is delivered later.

    An event for an earlier time than the order's is done: the order was renewed, and has an expiration of its own.
    """
    repository.update(event.order_id, lambda order: order.expire(now(), event.expires_at), cancellation)
