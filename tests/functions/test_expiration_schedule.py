"""expiration-schedule: on order.created, replies expiration.completed for later."""

import re

import pytest

from tests.functions.harness import CLOUDEVENT, TRACE, Document, Make, event
from tests.functions.scenes import order_state, ticket_state


def reply(function: Make, order: Document) -> Document:
    response = function("expiration-schedule").deliver(event("order.created", "orders", order))
    assert (response.status_code, response.content_type) == (200, CLOUDEVENT)
    return dict(response.get_json(force=True))


def test_replies_with_an_expiration_for_the_time_at_which_the_order_expires(function: Make) -> None:
    order = order_state(ticket_state(), expiresAt="2030-01-01T00:15:00.123Z")
    answer = reply(function, order)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.pop("time"))
    assert answer == {
        "specversion": "1.0",
        "id": f"{order['id']}-1893456900123",
        "source": "/ticketing/expiration",
        "type": "dev.ticketing.expiration.completed",
        "subject": order["id"],
        "datacontenttype": "application/json",
        "dataschema": "https://ticketing.dev/schemas/expiration.completed.v1.json",
        "partitionkey": order["id"],
        "traceparent": TRACE,
        "notbefore": answer["notbefore"],
        "data": {"orderId": order["id"], "expiresAt": answer["data"]["expiresAt"]},
    }
    assert re.fullmatch(r"2030-01-01T00:15:00\.123(000)?Z", answer["notbefore"])


def test_replies_with_the_same_event_to_a_duplicate(function: Make) -> None:
    order = order_state(ticket_state())
    first, second = reply(function, order), reply(function, order)
    assert (first["source"], first["id"], first["notbefore"]) == (second["source"], second["id"], second["notbefore"])


@pytest.mark.parametrize(
    ("expires_at", "not_before"),
    [
        ("2030-01-01T00:15:00Z", "2030-01-01T00:15:00Z"),
        ("2030-01-01T02:15:00+02:00", "2030-01-01T02:15:00+02:00"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
    ],
)
def test_leaves_the_time_as_the_order_has_it_even_if_it_is_past(
    function: Make, expires_at: str, not_before: str
) -> None:
    assert reply(function, order_state(ticket_state(), expiresAt=expires_at))["notbefore"] == not_before
