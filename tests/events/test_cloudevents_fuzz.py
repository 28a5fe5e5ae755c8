"""What is read as an event is the same event after any way through binary mode, structured mode and NATS."""

import json
from base64 import b64encode
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from events.broker import nats_binding
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import Event
from events.cloudevents.messages import read_message, read_row, write_message

NAMES = some.sampled_from(
    ["id", "source", "specversion", "type", "subject", "time", "dataschema", "datacontenttype", "data", "data_base64",
     "datacontentencoding", "notbefore", "knativebrokerttl", "extension", "x1", "Bad", "bad-name", ""],
)  # fmt: skip
ODD_TEXTS = some.sampled_from(
    ["", " ", "a b", "100%", "%41", "%ff", '"', '"x"', "é", "\u2028", "\ufffd", "\ufffe", "\ud800", "\U0010ffff",
     "\x00", "\r\n", "1.0", "0.3", "base64", "e30=", "/ticketing/orders", "2026-11-28T19:00:00Z", "yesterday",
     "application/json", "application/cloudevents+json", " application/cloudevents+json",
     "text/plain;charset=latin1", "image/png"],
)  # fmt: skip
TEXTS = ODD_TEXTS | some.text(max_size=20)
JSON_VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | TEXTS,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
CONTENT_TYPES = some.none() | some.sampled_from(
    ["application/json", "application/vnd.x+json", "Text/Plain", "text/plain; charset=utf-8", "image/png", "a/b;c=d"]
    + [f"{kind}; charset={charset}" for kind in ("text/plain", "application/json")
       for charset in ("us-ascii", "ISO-8859-1", "utf-16", "x-none")],
)  # fmt: skip
FIELDS = some.sampled_from(
    ["ce-x", "CE-Id", "ce-data", "ce-datacontentencoding", "ce-datacontenttype", "content-type", "Content-Encoding"],
)
DATA = (
    some.binary(max_size=30) | TEXTS | JSON_VALUES.map(json.dumps) | JSON_VALUES.map(lambda one: f" {json.dumps(one)}")
)
REQUIRED = {"specversion": "1.0", "id": "1", "source": "/test", "type": "dev.test.happened"}


def read(headers: list[tuple[str, str]], body: bytes) -> Event | None:
    """Read a message; None for what is rejected or no event."""
    try:
        return read_message(headers, body)
    except MalformedEventError:
        return None


def comparable(event: Event | None) -> tuple[object, ...] | None:
    """Return an event's parts; in structured mode, data without a type is JSON (JSON format 3.1)."""
    if event is None:
        return None
    return event.headers, event.content_type or (event.data and "application/json"), event.data


def check_ways(event: Event) -> None:
    for structured in (False, True):
        headers, body = write_message(event, structured=structured)
        assert comparable(read(list(headers.items()), body)) == comparable(event), (structured, headers, body)
        latin = [(name, value.encode().decode("latin-1")) for name, value in headers.items()]
        assert latin == list(headers.items())  # nothing is left that a server could decode in another way
    assert nats_binding.parse(event.message_headers(), event.data) == event


@settings(max_examples=200, deadline=None)
@given(some.dictionaries(NAMES.filter(str.isalnum), TEXTS, max_size=5), CONTENT_TYPES, DATA)
def test_an_event_of_texts_is_one_in_every_mode_or_in_none(
    attributes: dict[str, str], content_type: str | None, data: bytes | str
) -> None:
    """What the JSON format accepts as strings, headers accept percent-encoded, and the other way round."""
    body = data.encode(errors="replace") if isinstance(data, str) else data
    texts = REQUIRED | {name.lower(): text for name, text in attributes.items() if name != "data"}
    declared = texts.setdefault("datacontenttype", content_type) if content_type else texts.get("datacontenttype")
    headers = [(f"ce-{name}", percent_encoded(text)) for name, text in texts.items()]
    binary = read(headers, body)
    members: dict[str, object] = {**texts, **({"data_base64": b64encode(body).decode()} if body else {})}
    structured = read([("Content-Type", "application/cloudevents+json")], json.dumps(members).encode())
    if texts["specversion"] == "1.0":
        assert comparable(binary) == comparable(structured), (texts, declared, body)
    for event in (binary, structured):
        if event is not None:
            check_ways(event)


@settings(max_examples=200, deadline=None)
@given(some.dictionaries(NAMES, JSON_VALUES, max_size=6))
def test_any_object_is_the_same_event_everywhere_or_none(members: dict[str, Any]) -> None:
    payload = json.dumps(REQUIRED | members).encode()
    event = read([("Content-Type", "application/cloudevents+json")], payload)
    try:
        row = read_row(REQUIRED | members)
    except MalformedEventError:
        row = None
    if event is None:
        assert row is None
        return
    assert row is not None
    assert (row.headers, row.content_type) == (event.headers, event.content_type)
    check_ways(event)


@settings(max_examples=200, deadline=None)
@given(some.lists(some.tuples(FIELDS, TEXTS), max_size=4), some.binary(max_size=30))
def test_any_headers_are_an_event_or_rejected(more: list[tuple[str, str]], body: bytes) -> None:
    headers = [(f"ce-{name}", value) for name, value in REQUIRED.items() if name != "id"]
    event = read([*headers, ("ce-id", "1"), *more], body) or read([*headers, *more], body)
    if event is not None:
        check_ways(event)


def percent_encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode(errors="surrogatepass"))
