"""A ticket is deleted while a buyer orders it: the events of both services, carried by hand, end in agreement."""

import pytest

from tests.functions.harness import Document, Function, Make, Store, User
from tests.functions.scenes import offer

SELLER, BUYER = User("seller@example.com"), User()
SUBSCRIBERS = {
    "dev.ticketing.ticket.created": ["orders-replicate-ticket"],
    "dev.ticketing.ticket.updated": ["orders-replicate-ticket"],
    "dev.ticketing.ticket.deleted": ["orders-replicate-ticket"],
    "dev.ticketing.ticket.reservation-rejected": ["orders-reject"],
    "dev.ticketing.order.created": ["tickets-replicate-order"],
    "dev.ticketing.order.cancelled": ["tickets-replicate-order"],
}


class Delivery:
    """Delivers what is in the outboxes, each event once or twice, the newest or the oldest first."""

    def __init__(self, function: Make, stores: dict[str, Store], newest_first: bool) -> None:  # noqa: FBT001
        self._function = function
        self._stores = [stores["tickets"], stores["orders"]]
        self._newest_first = newest_first
        self._delivered: set[str] = set()

    def deliver_everything(self) -> None:
        """Until the outboxes hold nothing new."""
        while waiting := [told for told in self._events() if told["id"] not in self._delivered]:
            told = waiting[-1 if self._newest_first else 0]
            for name in SUBSCRIBERS[told["type"]] * 2:
                assert self._function(name).deliver(told).status_code == 204
            self._delivered.add(told["id"])

    def _events(self) -> list[Document]:
        return sorted((told for store in self._stores for told in store.events()), key=lambda told: str(told["id"]))


@pytest.fixture(params=[False, True], ids=["oldest first", "newest first"])
def delivery(request: pytest.FixtureRequest, function: Make, stores: dict[str, Store]) -> Delivery:
    return Delivery(function, stores, request.param)


@pytest.fixture
def ticket(function: Make, delivery: Delivery) -> Document:
    """A ticket that both services know."""
    made = offer(function, SELLER)
    delivery.deliver_everything()
    return made


def order(function: Make, ticket: Document) -> Document:
    response = function("orders-create").call("POST", json={"ticketId": ticket["id"]}, user=BUYER)
    assert response.status_code == 201
    return dict(response.json or {})


def delete(function: Make, ticket: Document) -> int:
    return function("tickets-delete").call("DELETE", f"/{ticket['id']}", user=SELLER).status_code


def show(function: Make, placed: Document) -> tuple[int, object]:
    shown = function("orders-show").call("GET", f"/{placed['id']}", user=BUYER)
    return shown.status_code, {name: value for name, value in (shown.json or {}).items() if name != "history"}


def test_deleted_before_the_order_is_known_the_order_is_cancelled(
    function: Make, delivery: Delivery, ticket: Document, orders_store: Store
) -> None:
    placed = order(function, ticket)
    assert delete(function, ticket) == 204
    delivery.deliver_everything()
    assert show(function, placed) == (200, placed | {"status": "cancelled", "version": 1})
    assert orders_store.events()[-1]["data"]["reason"] == "the ticket was deleted"


def test_ordered_before_the_deletion_the_ticket_stays(function: Make, delivery: Delivery, ticket: Document) -> None:
    placed = order(function, ticket)
    delivery.deliver_everything()
    assert delete(function, ticket) == 400
    delivery.deliver_everything()
    assert show(function, placed) == (200, placed)


def test_deleted_and_known_to_be_so_it_cannot_be_ordered(function: Make, delivery: Delivery, ticket: Document) -> None:
    assert delete(function, ticket) == 204
    delivery.deliver_everything()
    create: Function = function("orders-create")
    assert create.call("POST", json={"ticketId": ticket["id"]}, user=BUYER).status_code == 404


def test_ordered_on_the_news_of_a_ticket_that_is_long_gone_the_order_is_cancelled(
    function: Make, delivery: Delivery, ticket: Document
) -> None:
    assert delete(function, ticket) == 204
    placed = order(function, ticket)
    delivery.deliver_everything()
    assert show(function, placed) == (200, placed | {"status": "cancelled", "version": 1})
