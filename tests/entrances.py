"""Rules that hold at every entrance of events: HTTP routes, event functions, ingress, replies, NATS, outbox.

Each is an event, valid or not, and its outcome at all of them.
"""

import itertools
import json
from base64 import b64encode
from dataclasses import dataclass
from types import EllipsisType
from typing import Any
from urllib.parse import quote

import msgspec

Headers = tuple[tuple[str, str], ...]

CLOUDEVENT = "application/cloudevents+json"
DATA = {"title": "Jazz night", "price": "20.00"}
JSON = msgspec.json.encode(DATA)  # compact, as an outbox row's data becomes
LATIN_1 = b"caf\xe9"
TEXT = "text/plain; charset="

ACCEPTED, MALFORMED, UNSUPPORTED, NOT_JSON = "accepted", "malformed", "unsupported", "accepted, but not JSON"


@dataclass(frozen=True)
class Rule:
    """An event and what every entrance makes of it.

    In binary mode it has `headers`. In structured mode it has a `content_type`, and `members` if the body is a JSON
    object, as an outbox row is.
    """

    name: str
    outcome: str
    body: bytes
    headers: Headers | None = None
    members: dict[str, Any] | None = None
    content_type: str = CLOUDEVENT

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """The event's source, which no two valid rules share."""
        if self.headers is not None:
            return dict(self.headers).get("ce-source", "")
        return str((self.members or {}).get("source"))

    @property
    def data(self) -> bytes:
        """The data of a valid event."""
        return self.body if self.members is None else msgspec.json.encode(self.members.get("data", DATA))

    @property
    def message(self) -> tuple[Headers, bytes]:
        """Headers and body of a message that carries the event."""
        return (
            (self.headers, self.body)
            if self.headers is not None
            else ((("Content-Type", self.content_type),), self.body)
        )


_numbers = itertools.count()


def _context(changes: dict[str, Any]) -> dict[str, Any]:
    given = {"specversion": "1.0", "id": "1", "source": f"/shop/{next(_numbers)}", "type": "com.example.offer"}
    return {name: value for name, value in (given | changes).items() if value is not ...}


def binary(
    name: str, outcome: str, body: bytes = JSON, content_type: str | None = "application/json",
    more: Headers = (), **changes: object,
) -> Rule:  # fmt: skip
    """Make a rule of an event in binary mode, with `more` headers; `...` removes an attribute."""
    fields = [(f"ce-{key}", str(value)) for key, value in _context(changes).items()]
    if content_type is not None:
        fields.append(("Content-Type", content_type))
    return Rule(f"binary: {name}", outcome, body, headers=(*fields, *more))


def structured(name: str, outcome: str, content_type: str = CLOUDEVENT, **changes: object) -> Rule:
    """Make a rule of an event in structured mode; `...` removes a member."""
    members = _context({"data": DATA} | changes)
    body = json.dumps(members, separators=(",", ":")).encode()
    return Rule(f"structured: {name}", outcome, body, members=members, content_type=content_type)


def payload(name: str, outcome: str, body: bytes, content_type: str = CLOUDEVENT) -> Rule:
    """Make a rule of a payload in structured mode that is not a JSON object."""
    return Rule(f"structured: {name}", outcome, body, content_type=content_type)


def both(name: str, outcome: str, **changes: str | EllipsisType) -> list[Rule]:
    """Make the rules of texts of attributes in both modes."""
    encoded: dict[str, Any] = {
        key: quote(value, safe="/:", errors="surrogatepass") if isinstance(value, str) else value
        for key, value in changes.items()
    }
    members: dict[str, Any] = changes
    return [structured(name, outcome, **members), binary(name, outcome, **encoded)]


MANY = {f"x{number}": "x" * 1000 for number in range(50)}
NAME: dict[str, Any] = {"bad-name": "x"}
RULES = [
    # What is valid, in every form.
    *both("plain", ACCEPTED),
    *both("text of any language", ACCEPTED, subject="Zürich 100% \u2028 日本", id="a b"),
    *both("an extension that is empty", ACCEPTED, extension=""),
    *both("a time in UTC", ACCEPTED, time="2026-11-28T19:00:00.123456789Z"),
    *both("a time in lower case, with an offset", ACCEPTED, time="2026-11-28t19:00:00+05:30"),
    *both("a leap second", ACCEPTED, time="2016-12-31T23:59:60Z"),
    *both("a schema", ACCEPTED, dataschema="https://example.com/schema.json"),
    binary("names in upper case", ACCEPTED, id=..., more=(("CE-ID", "1"),)),
    binary("a value in quotes", ACCEPTED, subject='"say \\"x\\""'),
    binary("a value in UTF-8", ACCEPTED, subject="Zürich"),
    binary("a type of JSON of its own", ACCEPTED, content_type="application/vnd.x+json"),
    binary("untyped data", ACCEPTED, content_type=None),
    binary("identity as its coding", ACCEPTED, more=(("Content-Encoding", "identity"),)),
    binary("a type as an attribute, too", ACCEPTED, datacontenttype="application/json"),
    structured("a type of JSON of its own", ACCEPTED, datacontenttype="application/vnd.x+json"),
    structured("null", ACCEPTED, datacontenttype=None, subject=None, time=None, extension=None, data_base64=None),
    structured("a boolean and an integer", ACCEPTED, flag=True, count=-(2**31)),
    structured("data in base64", ACCEPTED, data=..., data_base64=b64encode(JSON).decode()),
    structured("a charset", ACCEPTED, content_type=f"{CLOUDEVENT}; charset=UTF-8"),
    structured("a type in upper case", ACCEPTED, content_type=CLOUDEVENT.upper()),
    # Data that is not JSON is an event all the same; a route has no use for it.
    binary("text", NOT_JSON, LATIN_1, f"{TEXT}iso-8859-1"),
    structured("text", NOT_JSON, data="café", datacontenttype=f"{TEXT}iso-8859-1"),
    # Required attributes.
    *both("no id", MALFORMED, id=...),
    *both("no source", MALFORMED, source=...),
    *both("no type", MALFORMED, type=...),
    *both("an empty id", MALFORMED, id=""),
    *both("an empty source", MALFORMED, source=""),
    *both("an empty type", MALFORMED, type=""),
    *both("another version", MALFORMED, specversion="2.0"),
    binary("no version", MALFORMED, specversion=...),
    structured("no version", MALFORMED, specversion=...),
    structured("a number as id", MALFORMED, id=25),
    structured("a boolean as type", MALFORMED, type=True),
    structured("a number as version", MALFORMED, specversion=1),
    structured("null as id", MALFORMED, id=None),
    structured("a number as subject", MALFORMED, subject=7),
    # Values.
    *both("an empty subject", MALFORMED, subject=""),
    *both("an empty schema", MALFORMED, dataschema=""),
    *both("a source that is not a URI", MALFORMED, source="/100%"),
    *both("a time in words", MALFORMED, time="yesterday"),
    *both("a time without a zone", MALFORMED, time="2026-11-28T19:00:00"),
    *both("a day that there is not", MALFORMED, time="2026-02-30T19:00:00Z"),
    *both("a minute that there is not", MALFORMED, time="2026-11-28T19:60:00Z"),
    *both("a date for later in words", MALFORMED, notbefore="tomorrow"),
    *both("a control character", MALFORMED, subject="a\r\nX-Evil: 1"),
    *both("a noncharacter", MALFORMED, subject="\ufffe"),
    *both("a surrogate", MALFORMED, subject="\ud800"),
    *both("too many attributes", MALFORMED, **MANY),
    binary("a broken escape", MALFORMED, id="100%"),
    binary("an escape of no UTF-8", MALFORMED, id="%FF"),
    structured("an array as extension", MALFORMED, extension=[]),
    structured("a fraction as extension", MALFORMED, extension=1.5),
    structured("an integer of more than 32 bits", MALFORMED, extension=2**31),
    # Names.
    binary("data as an attribute", MALFORMED, data="x"),
    binary("an encoding as an attribute", MALFORMED, datacontentencoding="base64"),
    structured("an encoding as an attribute", MALFORMED, datacontentencoding="base64"),
    structured("a name in upper case", MALFORMED, Subject="x"),
    structured("a name with a hyphen", MALFORMED, **NAME),
    binary("a name with a hyphen", MALFORMED, **NAME),
    # Data.
    structured("data twice", MALFORMED, data_base64="e30="),
    structured("no base64", MALFORMED, data=..., data_base64="?"),
    structured("a character that its charset lacks", MALFORMED, data="é", datacontenttype=f"{TEXT}us-ascii"),
    structured("a charset that is not known", MALFORMED, data="é", datacontenttype=f"{TEXT}x-none"),
    *(
        structured(f"an event within an event, {kind}", MALFORMED, datacontenttype=kind)
        for kind in (CLOUDEVENT, "Application/CloudEvents+JSON; a=b", "application/cloudevents-batch", f" {CLOUDEVENT}")
    ),
    binary("an event within an event", MALFORMED, content_type=None, datacontenttype=CLOUDEVENT),
    binary("two types", MALFORMED, datacontenttype="text/plain"),
    structured("no media type", MALFORMED, datacontenttype="json"),
    binary("no media type", MALFORMED, content_type="json"),
    # Formats and codings.
    binary("a coding", UNSUPPORTED, more=(("Content-Encoding", "gzip"),)),
    binary("two codings", UNSUPPORTED, more=(("Content-Encoding", "gzip, gzip"),)),
    structured("another charset", UNSUPPORTED, content_type=f"{CLOUDEVENT}; charset=utf-16"),
    payload("a batch", UNSUPPORTED, b"[]", "application/cloudevents-batch+json"),
    payload("another format", UNSUPPORTED, b"", "application/cloudevents+avro"),
    payload("no object", MALFORMED, b"[]"),
    payload("no JSON", MALFORMED, b"{"),
    payload("bytes that are not UTF-8", MALFORMED, b'{"id": "\xff"}'),
]  # fmt: skip
