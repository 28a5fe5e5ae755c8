"""Event functions and events that they cannot take: 400 for what is none, 422 for what none of them understands.

One adapter, `reacts_to`, refuses for all of them, so each case is tried with one function, and a few with every one.
"""

import json
from collections.abc import Iterator

import pytest

from tests.functions.harness import CLOUDEVENT, Document, Function, Make, Store, event, new_id, refusal, said
from tests.functions.scenes import order_state, ticket_state

ORDER = order_state(ticket_state())
TICKET = ORDER["ticket"]
PAYMENT, CHARGE = {"id": new_id(), "orderId": new_id()}, {"amount": 20.0, "providerId": "pi_1"}
EVENTS = {
    "orders-replicate-ticket": event("ticket.created", "tickets", ticket_state()),
    "orders-expire": event("expiration.completed", "expiration", {"orderId": new_id()}),
    "orders-reject": event(
        "ticket.reservation-rejected", "tickets", {"orderId": new_id(), "ticketId": new_id(), "reason": "deleted"}
    ),
    "orders-await-payment": event("payment.started", "payments", PAYMENT),
    "orders-complete": event("payment.created", "payments", PAYMENT | CHARGE),
    "orders-fail-payment": event("payment.failed", "payments", PAYMENT | {"reason": "declined"}),
    "tickets-replicate-order": event("order.created", "orders", ORDER),
    "payments-replicate-order": event("order.created", "orders", ORDER),
    "payments-schedule-settlement": event("payment.started", "payments", PAYMENT),
    "payments-settle": event("payment.overdue", "payments", PAYMENT),
    "payments-refund": event("payment.refund-requested", "payments", PAYMENT | CHARGE),
    "expiration-schedule": event("order.created", "orders", ORDER),
}
NO_EVENT = refusal(400, "Body must be a CloudEvents 1.0 event")
DATA = {
    "empty": b"",
    "not JSON": b"order",
    "cut off": b'{"id": ',
    "array": b"[]",
    "null": b"null",
    "string": b'"order"',
    "without fields": b"{}",
    "deep nesting": b'{"id": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "invalid UTF-8": b'{"id": "\xff"}',
    "lone surrogate": b'{"id": "\\ud800"}',
    "NUL": b"\0",
}
ORDER_SUBSCRIBERS = ["tickets-replicate-order", "payments-replicate-order", "expiration-schedule"]
PAYMENT_SUBSCRIBERS = [name for name, sent in EVENTS.items() if sent["source"] == "/ticketing/payments"]
BAD_FIELDS = [
    ("id", None), ("id", "1"), ("id", "x" * 24), ("id", "A" * 24), ("id", "0" * 24 + "\n"), ("id", 5), ("version", -1),
    ("version", 0.5), ("version", "0"), ("version", True), ("version", 2**70), ("userId", "admin"), ("status", "paid"),
    ("expiresAt", "tomorrow"), ("expiresAt", "2030-01-01T00:00:00"), ("expiresAt", 0), ("ticket", None),
    ("ticket", {"id": new_id()}), ("ticket", TICKET | {"price": 0}), ("ticket", TICKET | {"price": 1e300}),
    ("ticket", TICKET | {"price": "20"}), ("ticket", TICKET | {"title": 5}),
]  # fmt: skip


@pytest.fixture(params=["orders-replicate-ticket"])
def subscriber(request: pytest.FixtureRequest, function: Make, stores: dict[str, Store]) -> Iterator[Function]:
    """Yield an event function; after the test, nothing is stored in its service's database, if that has one."""
    yield function(request.param)
    service = request.param.partition("-")[0]
    assert service not in stores or not stores[service].dump()


def deliver(subscriber: Function, changed: Document) -> tuple[int, object]:
    return said(subscriber.deliver(EVENTS[subscriber.name] | changed))


def message(answer: tuple[int, object]) -> tuple[int, str]:
    status, body = answer
    assert isinstance(body, dict)
    [problem] = body["errors"]
    assert problem.keys() == {"message"}
    return status, problem["message"]


@pytest.mark.parametrize("subscriber", EVENTS, indirect=True)
def test_every_function_refuses_what_it_cannot_take(subscriber: Function) -> None:
    sent = EVENTS[subscriber.name]
    assert said(subscriber.call("POST", json=sent)) == NO_EVENT
    assert deliver(subscriber, {"id": ""}) == NO_EVENT
    assert message(deliver(subscriber, {"type": "x"})) == (422, f"No reaction to x from {sent['source']}")
    assert message(deliver(subscriber, {"source": "x"})) == (422, f"No reaction to {sent['type']} from x")
    assert message(deliver(subscriber, {"data": {}}))[0] == 422
    assert deliver(subscriber, {"data": {"padding": "x" * 64 * 1024}}) == refusal(413, "Payload Too Large")


@pytest.mark.parametrize("missing", ["id", "source", "type", "specversion"])
@pytest.mark.parametrize("structured", [False, True], ids=["binary", "structured"])
def test_an_event_that_lacks_an_attribute_is_none(subscriber: Function, missing: str, structured: bool) -> None:  # noqa: FBT001
    sent = {name: value for name, value in EVENTS[subscriber.name].items() if name != missing}
    if structured:
        response = subscriber.call("POST", data=json.dumps(sent), content_type=CLOUDEVENT)
    else:
        response = subscriber.deliver(sent)
    assert said(response) == NO_EVENT


@pytest.mark.parametrize("changed", [{"specversion": "0.3"}, {"specversion": "2.0"}, {"id": ""}, {"source": ""}])
def test_an_event_with_a_bad_attribute_is_none(subscriber: Function, changed: Document) -> None:
    assert deliver(subscriber, changed) == NO_EVENT


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_a_request_that_does_not_say_so_is_no_event(subscriber: Function, content_type: str | None) -> None:
    body = json.dumps(EVENTS[subscriber.name])
    assert said(subscriber.call("POST", data=body, content_type=content_type)) == NO_EVENT
    assert said(subscriber.call("POST")) == NO_EVENT


def test_a_batch_of_events_is_not_supported(subscriber: Function) -> None:
    response = subscriber.call("POST", data=b"[]", content_type="application/cloudevents-batch+json")
    assert said(response) == refusal(415, "Content-Type must be application/json")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"event"', b"[" * 60_000, b"{" * 60_000])
def test_a_body_that_is_no_structured_event_is_none(subscriber: Function, body: bytes) -> None:
    assert said(subscriber.call("POST", data=body, content_type=CLOUDEVENT)) == NO_EVENT


def test_an_answer_echoes_no_header(subscriber: Function) -> None:
    response = subscriber.call("POST", headers={"Authorization": "Bearer secret", "X-Other": "secret"}, data=b"secret")
    assert b"secret" not in response.data
    assert "secret" not in str(response.headers)


@pytest.mark.parametrize("kind", ["dev.ticketing.ticket.sold", "dev.ticketing.order.paid", "x", "a b", "a..b"])
def test_another_type_is_not_understood(subscriber: Function, kind: str) -> None:
    source = EVENTS[subscriber.name]["source"]
    assert message(deliver(subscriber, {"type": kind})) == (422, f"No reaction to {kind} from {source}")


@pytest.mark.parametrize(
    "source", ["/ticketing/auth", "/ticketing/orders/", "/Ticketing/orders", "https://example.com"]
)
def test_another_source_is_not_understood(subscriber: Function, source: str) -> None:
    kind = EVENTS[subscriber.name]["type"]
    assert message(deliver(subscriber, {"source": source})) == (422, f"No reaction to {kind} from {source}")


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_malformed_data_is_not_understood(subscriber: Function, data: bytes) -> None:
    sent = EVENTS[subscriber.name]
    headers = {f"ce-{name}": value for name, value in sent.items() if name != "data"}
    status, told = message(said(subscriber.call("POST", headers=headers, data=data, content_type="application/json")))
    assert (status, told.partition(":")[0]) == (422, sent["type"])


@pytest.mark.parametrize(("name", "value"), BAD_FIELDS)
@pytest.mark.parametrize("subscriber", ORDER_SUBSCRIBERS, indirect=True)
def test_an_order_with_a_bad_field_is_not_understood(subscriber: Function, name: str, value: object) -> None:
    assert message(deliver(subscriber, {"data": ORDER | {name: value}}))[0] == 422


@pytest.mark.parametrize("value", [value for name, value in BAD_FIELDS if name == "id"])
@pytest.mark.parametrize("field", ["id", "orderId"])
@pytest.mark.parametrize("subscriber", PAYMENT_SUBSCRIBERS, indirect=True)
def test_a_payment_with_a_bad_id_is_not_understood(subscriber: Function, field: str, value: object) -> None:
    sent = EVENTS[subscriber.name]["data"]
    assert message(deliver(subscriber, {"data": sent | {field: value}}))[0] == 422


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1, 0, 1e300, "20", None])
@pytest.mark.parametrize("subscriber", ["orders-replicate-ticket"], indirect=True)
def test_a_ticket_with_a_bad_price_is_not_understood(subscriber: Function, price: object) -> None:
    assert message(deliver(subscriber, {"data": ticket_state(price=price)}))[0] == 422


def test_an_event_over_64_kib_is_refused(subscriber: Function) -> None:
    padded = EVENTS[subscriber.name]["data"] | {"padding": "x" * 64 * 1024}
    assert deliver(subscriber, {"data": padded}) == refusal(413, "Payload Too Large")


@pytest.mark.parametrize("traceparent", [5, None, "malformed"])
@pytest.mark.parametrize("subscriber", ["expiration-schedule"], indirect=True)
def test_a_malformed_trace_stops_no_event(subscriber: Function, traceparent: object) -> None:
    sent = EVENTS["expiration-schedule"] | {"traceparent": traceparent}
    assert subscriber.call("POST", data=json.dumps(sent), content_type=CLOUDEVENT).status_code == 200


@pytest.mark.parametrize("subscriber", ["expiration-schedule"], indirect=True)
def test_unknown_fields_and_attributes_are_ignored(subscriber: Function) -> None:
    sent = EVENTS["expiration-schedule"]
    known = sent | {"someextension": "x", "data": sent["data"] | {"colour": "red"}}
    assert subscriber.deliver(known).status_code == 200
