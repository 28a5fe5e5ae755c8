"""On order.created: schedule its expiration. No timer runs here: the reply itself waits in the log."""

import functions_framework

from events.catalogue import ExpirationCompleted, OrderCreated
from functions.shared.eventing.reaction import Reply, reacts_to


@functions_framework.http
@reacts_to(OrderCreated)
def schedule_expiration(order: OrderCreated) -> Reply:
    """Reply expiration.completed, to be delivered when the order expires. Its id is the order's, so it is one event."""
    return Reply(ExpirationCompleted(order_id=order.id), event_id=order.id, not_before=order.expires_at)
