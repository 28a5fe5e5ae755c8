"""Expire overdue orders whose expiration events were lost.

A CronJob runs it as a command: `python -m functions.orders.sweep`. It finds nothing unless events were lost, or are
late by more than GRACE, so what it finds is logged as an error.
"""

from datetime import timedelta

from pymongo.errors import PyMongoError

from functions.orders import repository
from functions.orders.domain import Order, Premature, Status
from functions.orders.messages import cancellation
from functions.shared import log, trace
from functions.shared.clock import now

GRACE = timedelta(minutes=2)  # expirations that are under way come first


def sweep() -> int:
    """Expire each unpaid order whose time was over GRACE ago; return how many were expired."""
    return sum(_expire(order_id) for order_id in repository.overdue(now() - GRACE))


def _expire(order_id: str) -> bool:
    try:
        order = repository.update(order_id, _overdue, cancellation)
    except Premature:
        return False  # it was renewed just now
    except (PyMongoError, TimeoutError) as error:
        log.exception("overdue order not expired; the next sweep retries", error, order=order_id)
        return False
    if order.status != Status.CANCELLED:
        return False  # it was paid just now
    log.error("expiration of an order was lost or is late; the sweep expired the order", order=order_id)
    return True


def _overdue(order: Order) -> Order:
    return order.expire(now(), None)


def main() -> None:
    """Sweep once, in a trace of its own."""
    trace.follow(None)
    log.info("swept overdue orders", expired=sweep())


if __name__ == "__main__":
    main()
