"""On order.created, order.renewed: schedule the expiration. No timer runs here: the reply itself waits in the log."""

import functions_framework

from events.catalogue import ExpirationCompleted, OrderCreated, OrderRenewed, OrderState
from functions.shared.eventing.reaction import Reply, reacts_to


@functions_framework.http
@reacts_to(OrderCreated, OrderRenewed)
def schedule_expiration(order: OrderState) -> Reply:
    """Reply expiration.completed, to be delivered when the order expires. Its id names order and time."""
    expiration = ExpirationCompleted(order_id=order.id, expires_at=order.expires_at)
    return Reply(expiration, f"{order.id}-{int(order.expires_at.timestamp() * 1000)}", not_before=order.expires_at)
