"""A state change and its event are one transaction: what dies between the two leaves neither."""

from collections.abc import Callable

import pytest

from events.catalogue import Event
from functions.shared import outbox
from functions.shared.database import Session
from tests.functions.harness import Make, Store, User, event, refusal, said
from tests.functions.scenes import offer, order_state, place, replicate

USER = User()
Step = Callable[[], tuple[int, object]]


def creating_a_ticket(function: Make) -> Step:
    return lambda: said(function("tickets-create").call("POST", json={"title": "Jazz", "price": 20}, user=USER))


def editing_a_ticket(function: Make) -> Step:
    path = f"/{offer(function, USER)['id']}"
    return lambda: said(function("tickets-update").call("PUT", path, json={"title": "Blues", "price": 30}, user=USER))


def deleting_a_ticket(function: Make) -> Step:
    path = f"/{offer(function, USER)['id']}"
    return lambda: said(function("tickets-delete").call("DELETE", path, user=USER))


def reserving_a_ticket(function: Make) -> Step:
    told = event("order.created", "orders", order_state(offer(function, USER)))
    return lambda: said(function("tickets-replicate-order").deliver(told))


def creating_an_order(function: Make) -> Step:
    body = {"ticketId": replicate(function)["id"]}
    return lambda: said(function("orders-create").call("POST", json=body, user=USER))


def cancelling_an_order(function: Make) -> Step:
    path = f"/{place(function, USER)['id']}"
    return lambda: said(function("orders-cancel").call("DELETE", path, user=USER))


def expiring_an_order(function: Make) -> Step:
    order = place(function, USER, EXPIRATION_WINDOW_SECONDS="0")
    told = event("expiration.completed", "expiration", {"orderId": order["id"]})
    return lambda: said(function("orders-expire").deliver(told))


def rejecting_an_order(function: Make) -> Step:
    order = place(function, USER)
    data = {"orderId": order["id"], "ticketId": order["ticket"]["id"], "reason": "the ticket was deleted"}
    return lambda: said(function("orders-reject").deliver(event("ticket.reservation-rejected", "tickets", data)))


def store_and_die(stored_event: Event, session: Session, add: Callable[[Event, Session], None] = outbox.add) -> None:
    add(stored_event, session)
    raise RuntimeError("the end")


@pytest.mark.parametrize(
    "prepare",
    [creating_a_ticket, editing_a_ticket, deleting_a_ticket, reserving_a_ticket, creating_an_order,
     cancelling_an_order, expiring_an_order, rejecting_an_order],
)  # fmt: skip
def test_a_failure_after_the_event_undoes_everything(
    function: Make, stores: dict[str, Store], monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Make], Step]
) -> None:
    step = prepare(function)
    before = {service: store.dump() for service, store in stores.items()}
    monkeypatch.setattr(outbox, "add", store_and_die)
    assert step() == refusal(500, "Something went wrong")
    assert {service: store.dump() for service, store in stores.items()} == before
    monkeypatch.undo()
