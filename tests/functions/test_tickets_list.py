"""tickets-list: GET /api/tickets."""

from tests.functions.harness import Make, User, event, said
from tests.functions.scenes import offer, order_state, reserve


def test_can_fetch_a_list_of_tickets_without_being_signed_in(function: Make) -> None:
    tickets = [offer(function, User(), title) for title in ("Jazz", "Blues", "Soul")]
    assert said(function("tickets-list").call("GET", "/api/tickets")) == (200, tickets[::-1])


def test_is_empty_while_nothing_is_for_sale(function: Make) -> None:
    assert said(function("tickets-list").call("GET", "/api/tickets")) == (200, [])


def test_leaves_reserved_tickets_out(function: Make) -> None:
    free, taken = offer(function), offer(function)
    reserve(function, taken)
    assert said(function("tickets-list").call("GET", "/api/tickets")) == (200, [free])


def test_has_a_ticket_back_once_its_order_is_cancelled(function: Make) -> None:
    ticket = offer(function)
    order = reserve(function, ticket)
    over = order_state(ticket, id=order["id"], version=1, status="cancelled") | {"reason": "expired"}
    function("tickets-replicate-order").deliver(event("order.cancelled", "orders", over))
    assert said(function("tickets-list").call("GET", "/api/tickets")) == (200, [ticket | {"version": 2}])
