"""How things stand before a test's own step, brought about through the functions as in real life."""

from collections.abc import Mapping

from tests.functions.harness import Document, Make, User, event, new_id


def ticket_state(**changes: object) -> Document:
    """Return a ticket as events of tickets have it."""
    ticket = {"id": new_id(), "version": 0, "title": "Jazz night", "price": 20.0, "userId": new_id()}
    return ticket | changes


def order_state(ticket: Mapping[str, object], **changes: object) -> Document:
    """Return an order for a ticket as events of orders have it."""
    order = {
        "id": new_id(),
        "version": 0,
        "status": "created",
        "userId": new_id(),
        "expiresAt": "2030-01-01T00:15:00Z",
        "ticket": {name: ticket[name] for name in ("id", "title", "price")},
    }
    return order | changes


def offer(function: Make, seller: User | None = None, title: str = "Jazz night", price: object = 20) -> Document:
    """A ticket on sale."""
    body = {"title": title, "price": price}
    response = function("tickets-create").call("POST", json=body, user=seller or User("seller@example.com"))
    assert response.status_code == 201
    return dict(response.json or {})


def reserve(function: Make, ticket: Mapping[str, object], **changes: object) -> Document:
    """An order that tickets knows to hold a ticket."""
    order = order_state(ticket, **changes)
    response = function("tickets-replicate-order").deliver(event("order.created", "orders", order))
    assert response.status_code == 204
    return order


def replicate(function: Make, **changes: object) -> Document:
    """A ticket that orders knows."""
    ticket = ticket_state(**changes)
    response = function("orders-replicate-ticket").deliver(event("ticket.updated", "tickets", ticket))
    assert response.status_code == 204
    return ticket


def place(function: Make, buyer: User, ticket_id: object = None, **environment: str) -> Document:
    """An order that a buyer placed, for a ticket of its own unless one is given."""
    body = {"ticketId": ticket_id or replicate(function)["id"]}
    response = function("orders-create", **environment).call("POST", json=body, user=buyer)
    assert response.status_code == 201, response.data
    return dict(response.json or {})


def show(function: Make, order_id: object, buyer: User) -> Document:
    """An order as its buyer sees it alone, without its history, which tests of that look at."""
    response = function("orders-show").call("GET", f"/api/orders/{order_id}", user=buyer)
    assert response.status_code == 200, response.data
    return {name: value for name, value in (response.json or {}).items() if name != "history"}


def owe(function: Make, buyer: User, **changes: object) -> Document:
    """An order that payments knows, to be paid by its buyer."""
    order = order_state(ticket_state(), userId=buyer.id, **changes)
    response = function("payments-replicate-order").deliver(event("order.created", "orders", order))
    assert response.status_code == 204
    return order
