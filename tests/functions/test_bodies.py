"""Bodies that no route can read: each kind gets its exact answer, and changes nothing."""

from collections.abc import Iterator

import pytest

from tests.functions.harness import Function, Make, Store, User, new_id, refusal, said

ROUTES = {
    "auth-signup": ("POST", "/api/users/signup"),
    "auth-signin": ("POST", "/api/users/signin"),
    "tickets-create": ("POST", "/api/tickets"),
    "tickets-update": ("PUT", f"/api/tickets/{new_id()}"),
    "orders-create": ("POST", "/api/orders"),
    "payments-create": ("POST", "/api/payments"),
}
USER = User()
LIMIT = 64 * 1024

MALFORMED = {
    "not JSON": b"title=Jazz",
    "cut off": b'{"title": "Jazz"',
    "two objects": b"{} {}",
    "trailing comma": b'{"title": "Jazz",}',
    "single quotes": b"{'title': 'Jazz'}",
    "array": b"[]",
    "string": b'"Jazz"',
    "number": b"20",
    "null": b"null",
    "true": b"true",
    "deep nesting": b'{"title": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "integer of 5,000 digits": b'{"price": ' + b"9" * 5_000 + b"}",
    "exponent beyond all numbers": b'{"price": 1e99999999999999999999}',
    "NaN": b'{"price": NaN}',
    "Infinity": b'{"price": Infinity}',
    "lone surrogate": b'{"title": "\\ud800", "email": "\\udfff@example.com"}',
    "invalid UTF-8": b'{"title": "\xff\xfe"}',
    "UTF-16": '{"title": "Jazz"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\0",
    "control character in a string": b'{"title": "a\0b"}',
}

EMPTY = {
    "auth-signup": [
        ("email", "Email must be valid"),
        ("password", "Password must be between 8 and 128 characters"),
    ],
    "auth-signin": [("email", "Email must be valid"), ("password", "You must supply a password")],
    "tickets-create": [("title", "Title is required"), ("price", "Price must be greater than 0")],
    "tickets-update": [("title", "Title is required"), ("price", "Price must be greater than 0")],
    "orders-create": [("ticketId", "TicketId must be provided")],
    "payments-create": [("orderId", "OrderId must be provided")],
}


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest, function: Make, stores: dict[str, Store]) -> Iterator[Function]:
    """Yield each route that takes a body; after the test, nothing is stored in its service's database."""
    yield function(request.param)
    assert not stores[request.param.partition("-")[0]].dump()


def send(route: Function, body: bytes, content_type: str | None = "application/json") -> tuple[int, object]:
    method, path = ROUTES[route.name]
    return said(route.call(method, path, user=USER, data=body, content_type=content_type))


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_a_body_that_is_no_json_object_is_refused(route: Function, body: bytes) -> None:
    assert send(route, body) == refusal(400, "Body must be a JSON object")


@pytest.mark.parametrize("body", [b"{}", b"", b'{"Title": "Jazz", "Price": 20, "nothing": null}'])
def test_all_missing_fields_are_told_at_once(route: Function, body: bytes) -> None:
    assert send(route, body) == refusal(400, *EMPTY[route.name])


def test_a_request_without_body_and_content_type_misses_all_fields(route: Function) -> None:
    assert send(route, b"", None) == refusal(400, *EMPTY[route.name])


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", "json",
     "application/xml", "application/jsonp", "application/cloudevents-batch+json", "application/cloudevents+avro"],
)  # fmt: skip
def test_a_body_of_another_content_type_is_refused(route: Function, content_type: str | None) -> None:
    assert send(route, b"{}", content_type) == refusal(415, "Content-Type must be application/json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_is_json_with_parameters_and_in_capitals(route: Function, content_type: str) -> None:
    assert send(route, b"{}", content_type) == refusal(400, *EMPTY[route.name])


def test_a_body_over_64_kib_is_refused(route: Function) -> None:
    assert send(route, b"{" + b" " * LIMIT + b"}") == refusal(413, "Payload Too Large")


def test_a_body_of_64_kib_is_read(route: Function) -> None:
    assert send(route, b"{" + b" " * (LIMIT - 2) + b"}") == refusal(400, *EMPTY[route.name])
