"""Routes take their requests as CloudEvents, and answer with one when asked."""

import base64
import json
import re

import pytest
from werkzeug.test import TestResponse

from tests.functions.harness import CLOUDEVENT, TRACE, Document, Function, Make, Store, User, refusal, said

USER = User()
TICKET = {"title": "Jazz night", "price": "20.00"}
TICKET_JSON = json.dumps(TICKET).encode()
CONTEXT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "com.example.offer"}
NO_EVENT = refusal(400, "Body must be a CloudEvents 1.0 event")
MALFORMED = refusal(400, "Body must be a JSON object")


@pytest.fixture
def create(function: Make) -> Function:
    return function("tickets-create")


def structured(create: Function, event: object, content_type: str = CLOUDEVENT) -> TestResponse:
    body = event if isinstance(event, bytes) else json.dumps(event)
    return create.call("POST", data=body, content_type=content_type, user=USER)


def binary(
    create: Function, context: Document, data: bytes = TICKET_JSON, content_type: str = "application/json"
) -> TestResponse:
    headers = {f"ce-{name}": str(value) for name, value in context.items()}
    return create.call("POST", headers=headers, data=data, content_type=content_type, user=USER)


@pytest.mark.parametrize("content_type", [CLOUDEVENT, f"{CLOUDEVENT}; charset=UTF-8", "Application/CloudEvents+JSON"])
def test_takes_the_data_of_a_structured_event_as_the_body(create: Function, content_type: str) -> None:
    response = structured(create, CONTEXT | {"data": TICKET}, content_type)
    assert (response.status_code, (response.json or {})["price"]) == (201, 20.0)


def test_takes_data_in_base64_as_the_body(create: Function) -> None:
    data = base64.b64encode(TICKET_JSON).decode()
    assert structured(create, CONTEXT | {"data_base64": data}).status_code == 201


def test_takes_the_body_of_a_binary_event(create: Function) -> None:
    assert binary(create, CONTEXT).status_code == 201


def test_goes_on_with_the_trace_of_the_event(create: Function, tickets_store: Store) -> None:
    structured(create, CONTEXT | {"data": TICKET, "traceparent": TRACE})
    binary(create, CONTEXT | {"id": "2", "traceparent": TRACE})
    assert [event["traceparent"] for event in tickets_store.events()] == [TRACE, TRACE]


@pytest.mark.parametrize("missing", ["id", "source", "type"])
def test_refuses_an_event_that_lacks_an_attribute(create: Function, tickets_store: Store, missing: str) -> None:
    context = {name: value for name, value in CONTEXT.items() if name != missing}
    assert said(binary(create, context)) == NO_EVENT
    assert said(structured(create, context | {"data": TICKET})) == NO_EVENT
    assert tickets_store.dump() == {}


@pytest.mark.parametrize(
    "changes",
    [{"specversion": "0.3"}, {"specversion": "2.0"}, {"specversion": 1.0}, {"specversion": None}, {"specversion": []},
     {"id": ""}, {"id": 1}, {"id": None}, {"id": "a\nb"}, {"source": ""}, {"source": {}}, {"type": ""}, {"type": True},
     {"type": "\ud800"}, {"data_base64": "A"}, {"data_base64": 5}],
)  # fmt: skip
def test_refuses_an_event_with_a_bad_attribute(
    create: Function, tickets_store: Store, changes: dict[str, object]
) -> None:
    assert said(structured(create, CONTEXT | {"data": TICKET} | changes)) == NO_EVENT
    assert tickets_store.dump() == {}


@pytest.mark.parametrize("text", ["\u00a0", "\ue000", "\u2028", "\U000e0001"])
def test_takes_an_event_whose_attributes_hold_any_character_but_controls(create: Function, text: str) -> None:
    assert structured(create, CONTEXT | {"data": TICKET, "id": text, "type": text}).status_code == 201


@pytest.mark.parametrize("version", ["0.3", "2.0", "1", ""])
def test_refuses_a_binary_event_of_another_version(create: Function, version: str) -> None:
    assert said(binary(create, CONTEXT | {"specversion": version})) == NO_EVENT


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"[]", b"null", b"\xff", b"[" * 60_000, json.dumps([CONTEXT]).encode(),
     json.dumps(CONTEXT | {"data": float("nan")}).encode(),
     json.dumps(CONTEXT | {"data": {"title": "\ud800"}}).encode()],
)  # fmt: skip
def test_refuses_a_structured_event_that_is_none(create: Function, body: bytes) -> None:
    assert said(structured(create, body)) == NO_EVENT


def test_refuses_a_batch_of_events(create: Function) -> None:
    response = structured(create, [CONTEXT | {"data": TICKET}], "application/cloudevents-batch+json")
    assert said(response) == refusal(415, "Content-Type must be application/json")


def test_refuses_a_binary_event_whose_data_is_no_json(create: Function) -> None:
    response = binary(create, CONTEXT, b"Jazz night", "text/plain")
    assert said(response) == refusal(415, "Content-Type must be application/json")


@pytest.mark.parametrize("data", [[], "Jazz", json.dumps(TICKET), 5, None])
def test_refuses_data_that_is_no_json_object(create: Function, tickets_store: Store, data: object) -> None:
    assert said(structured(create, CONTEXT | {"data": data})) == MALFORMED
    assert tickets_store.dump() == {}


def test_misses_the_fields_of_an_event_without_data(create: Function) -> None:
    problems = ("title", "Title is required"), ("price", "Price must be greater than 0")
    assert said(structured(create, CONTEXT)) == refusal(400, *problems)
    assert said(binary(create, CONTEXT, b"")) == refusal(400, *problems)


def test_asks_who_is_signed_in_before_it_looks_at_the_event(create: Function) -> None:
    response = create.call("POST", data=b"no event", content_type=CLOUDEVENT)
    assert said(response) == refusal(401, "Not authorized")


@pytest.mark.parametrize(
    "asked",
    [{"Accept": CLOUDEVENT}, {"Accept": f"text/html, {CLOUDEVENT.upper()};q=0.9"}, {"Prefer": "reply"}],
)
def test_answers_with_a_cloudevent_when_asked(create: Function, asked: dict[str, str]) -> None:
    headers = asked | {"traceparent": TRACE}
    response = create.call("POST", json=TICKET, headers=headers, user=USER)
    assert (response.status_code, response.content_type) == (201, CLOUDEVENT)
    event = response.get_json(force=True)
    assert re.fullmatch("[0-9a-f-]{36}", event.pop("id"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event.pop("time"))
    assert event.pop("data").items() >= {"title": "Jazz night", "price": 20.0, "userId": USER.id, "version": 0}.items()
    assert event == {
        "specversion": "1.0",
        "source": "/ticketing/tickets",
        "type": "dev.ticketing.tickets-create.answered",
        "datacontenttype": "application/json",
        "traceparent": TRACE,
    }


def test_tells_errors_in_a_cloudevent_too_when_asked(create: Function) -> None:
    response = create.call("POST", json=TICKET, headers={"Accept": CLOUDEVENT})
    assert (response.status_code, response.content_type) == (401, CLOUDEVENT)
    assert response.get_json(force=True)["data"] == {"errors": [{"message": "Not authorized"}]}


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*", ""])
def test_answers_with_plain_json_otherwise(create: Function, accept: str) -> None:
    assert said(create.call("POST", json=TICKET, headers={"Accept": accept}, user=USER))[0] == 201
