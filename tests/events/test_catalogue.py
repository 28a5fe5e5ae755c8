"""The event catalogue: names, senders and shapes, as clients and receivers know them."""

from datetime import UTC, datetime

import msgspec
import pytest

from events import catalogue
from events.catalogue import Event

TICKET, ORDER, USER, PAYMENT = "a" * 24, "b" * 24, "c" * 24, "d" * 24
TICKET_DATA = {"id": TICKET, "version": 3, "title": "Jazz", "price": 20.0, "userId": USER, "orderId": ORDER}
ORDER_DATA = {
    "id": ORDER, "version": 1, "status": "created", "userId": USER, "expiresAt": "2030-01-01T00:15:00Z",
    "ticket": {"id": TICKET, "title": "Jazz", "price": 20.0},
}  # fmt: skip
PAYMENT_DATA: dict[str, object] = {"id": PAYMENT, "orderId": ORDER}
EVENTS: dict[str, tuple[str, str, dict[str, object]]] = {  # its service, its aggregate, its data
    "ticket.created": ("tickets", TICKET, TICKET_DATA),
    "ticket.updated": ("tickets", TICKET, TICKET_DATA),
    "ticket.deleted": ("tickets", TICKET, {"id": TICKET, "version": 3}),
    "ticket.reservation-rejected": ("tickets", TICKET, {"orderId": ORDER, "ticketId": TICKET, "reason": "deleted"}),
    "order.created": ("orders", ORDER, ORDER_DATA),
    "order.awaiting-payment": ("orders", ORDER, ORDER_DATA | {"status": "awaiting:payment"}),
    "order.completed": ("orders", ORDER, ORDER_DATA | {"status": "complete"}),
    "order.renewed": ("orders", ORDER, ORDER_DATA),
    "order.cancelled": ("orders", ORDER, ORDER_DATA | {"status": "cancelled", "reason": "expired"}),
    "expiration.completed": ("expiration", ORDER, {"orderId": ORDER, "expiresAt": "2030-01-01T00:15:00Z"}),
    "payment.started": ("payments", PAYMENT, PAYMENT_DATA),
    "payment.overdue": ("payments", PAYMENT, PAYMENT_DATA),
    "payment.created": ("payments", PAYMENT, PAYMENT_DATA | {"amount": 20.0, "providerId": "pi_1"}),
    "payment.failed": ("payments", PAYMENT, PAYMENT_DATA | {"reason": "Your card was declined."}),
    "payment.refund-requested": ("payments", PAYMENT, PAYMENT_DATA | {"amount": 20.0, "providerId": "pi_1"}),
    "payment.refunded": ("payments", PAYMENT, PAYMENT_DATA | {"amount": 20.0}),
}

OPTIONAL = {  # a ticket can be without an order; expirations of version 0.1 name no time
    "ticket.created": {"orderId"},
    "ticket.updated": {"orderId"},
    "expiration.completed": {"expiresAt"},
}


def test_every_event_has_a_name_of_its_own_and_is_described_here() -> None:
    assert sorted(kind.NAME for kind in catalogue.EVENTS) == sorted(EVENTS)


@pytest.mark.parametrize("kind", catalogue.EVENTS, ids=lambda kind: kind.NAME)
def test_an_event_is_on_the_wire_as_the_contract_says(kind: type[Event]) -> None:
    service, aggregate, data = EVENTS[kind.NAME]
    event = msgspec.convert(data, kind)
    assert msgspec.json.decode(msgspec.json.encode(event)) == data
    assert (kind.type(), kind.source(), event.subject) == (
        f"dev.ticketing.{kind.NAME}", f"/ticketing/{service}", aggregate,
    )  # fmt: skip
    assert kind.schema() == f"https://ticketing.dev/schemas/{kind.NAME}.v1.json"


@pytest.mark.parametrize("kind", catalogue.EVENTS, ids=lambda kind: kind.NAME)
def test_no_field_can_be_left_out_but_those_that_are_optional(kind: type[Event]) -> None:
    _, _, data = EVENTS[kind.NAME]
    for name in data.keys() - OPTIONAL.get(kind.NAME, set()):
        with pytest.raises(msgspec.ValidationError, match=f"missing required field `{name}`"):
            msgspec.convert({other: value for other, value in data.items() if other != name}, kind)


def test_a_time_is_the_same_instant_in_any_zone() -> None:
    order = msgspec.convert(ORDER_DATA | {"expiresAt": "2030-01-01T02:15:00+02:00"}, catalogue.OrderCreated)
    assert order.expires_at == datetime(2030, 1, 1, 0, 15, tzinfo=UTC)
