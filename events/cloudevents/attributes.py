"""Attributes of CloudEvents: which names and values are valid, and how headers and JSON express them.

HTTP and NATS share the form of headers, percent-encoding included (CloudEvents HTTP binding 3.1.3, NATS binding 3.1.2).
"""

import re
from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote_to_bytes, urlsplit

from events.cloudevents.errors import MalformedEventError
from events.cloudevents.timestamps import parse_timestamp

PREFIX = "ce-"
REQUIRED = ("id", "source", "specversion", "type")

# Names of the specification: their values are strings, never JSON numbers or booleans (JSON format 2.2).
_STRINGS = frozenset({*REQUIRED, "datacontenttype", "dataschema", "schemaurl", "subject", "time"})

# Members of the JSON format: an attribute of such a name would become data in structured mode.
_RESERVED = frozenset({"data", "datacontentencoding"})

_INTEGERS = range(-(2**31), 2**31)  # spec 3.1, type system

_UNENCODED = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
_ENCODED = re.compile("[!#$&-~]*")  # a value that needs no encoding and has none
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# What the type String excludes: control characters, surrogates, noncharacters. U+FFFD is what libraries make of bytes
# that are not UTF-8.
_NOT_TEXT = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffd-\uffff"
    + "".join(chr(plane << 16 | last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def encode_value(text: str) -> str:
    """Return the header value of an attribute's value."""
    return quote(text, safe=_UNENCODED)


def decode_value(header: str) -> str:
    """Return the attribute's value of a header's. Raises MalformedEventError if its encoding is wrong."""
    if _BROKEN_ESCAPE.search(header):
        raise MalformedEventError("percent-encoding is broken")
    try:
        text = unquote_to_bytes(header).decode()
    except UnicodeError as error:
        raise MalformedEventError("percent-encoded bytes are not UTF-8") from error
    return checked_text(text)


def checked_text(text: str) -> str:
    """Return text that may be a value. Raises MalformedEventError."""
    if _NOT_TEXT.search(text):
        raise MalformedEventError("value has a control character, or bytes that are not UTF-8")
    return text


def from_header(header: str, value: str) -> str:
    """Return the value of a header `ce-<name>` in the one encoding that is passed on. Raises MalformedEventError."""
    check_name(header[len(PREFIX) :])
    if _ENCODED.fullmatch(value):
        return value
    if value.startswith('"') and value.endswith('"'):  # an old form that receivers must still accept
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return encode_value(decode_value(value))


def from_json(name: str, value: object) -> str:
    """Return the header value of a JSON value, by CloudEvents' canonical strings. Raises MalformedEventError."""
    check_name(name)
    if name in _STRINGS and not isinstance(value, str):
        raise MalformedEventError(f"attribute {name} is not a string")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value in _INTEGERS:
        return str(value)
    if not isinstance(value, str):
        raise MalformedEventError(f"attribute {name[:64]!r} is not a string, a boolean or an integer of 32 bits")
    return encode_value(checked_text(value))


def check_name(name: str) -> None:
    """Raise MalformedEventError unless an attribute may have the name."""
    if not (name.isascii() and name.isalnum() and name == name.lower()):
        raise MalformedEventError(f"not an attribute's name: {name[:64]!r}")
    if name in _RESERVED:
        raise MalformedEventError(f"the name {name} is reserved for an event's data")


def check_values(headers: Mapping[str, str]) -> None:
    """Raise MalformedEventError unless typed attributes are valid; `headers` as `from_header` returns them."""
    for header, check in _CHECKS.items():
        value = headers.get(header)
        if value is not None:
            check(decode_value(value) if "%" in value else value, header[len(PREFIX) :])


def _check_uri(text: str, name: str) -> None:
    """Check a URI as leniently as Go's net/url, which Knative's own Broker uses."""
    try:
        urlsplit(text)
    except ValueError as error:
        raise MalformedEventError(f"{name} is not a URI") from error
    if not text or _BROKEN_ESCAPE.search(text):
        raise MalformedEventError(f"{name} is not a URI")


def _check_not_empty(text: str, name: str) -> None:
    if not text:
        raise MalformedEventError(f"{name} is empty")


_CHECKS: Mapping[str, Callable[[str, str], object]] = {
    "ce-source": _check_uri,
    "ce-dataschema": _check_uri,
    "ce-schemaurl": _check_uri,
    "ce-subject": _check_not_empty,
    "ce-time": parse_timestamp,
    "ce-notbefore": parse_timestamp,
}
