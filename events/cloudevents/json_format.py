"""The JSON format of CloudEvents: a whole event in one payload, its data copied byte for byte.

Where 1.0 has `data_base64`, 0.3 has `data` and says `datacontentencoding: base64`.
"""

from base64 import b64decode, b64encode

import msgspec

from events.cloudevents.attributes import PREFIX, from_json
from events.cloudevents.errors import MalformedEventError
from events.cloudevents.event import OLD_SPEC_VERSION, Event, checked
from events.cloudevents.media_types import MediaType, media_type

_IN_BASE64 = {"datacontentencoding": "base64"}
_DEFAULT_TYPE = "application/json"  # of data without a datacontenttype (JSON format 3.1)
_NULL = b"null"
_WHITESPACE = b" \t\r\n"

Members = dict[str, msgspec.Raw]
Scalar = str | bool | int | None


def parse(payload: bytes) -> Event:
    """Return the event of a payload. Raises MalformedEventError."""
    members = _members(payload)
    if members is None:
        raise MalformedEventError("payload is not a JSON object")
    return _event(members)


def recognise(payload: bytes) -> Event | None:
    """Return the event of a payload of unknown type, None if it does not look like one.

    Raises MalformedEventError if it looks like an event and is invalid.
    """
    members = _members(payload) if payload.lstrip()[:1] == b"{" else None
    return _event(members) if members and "specversion" in members else None


def serialise(event: Event) -> bytes:
    """Return the payload of an event: attributes as strings; data as JSON, as text, or else in base64.

    Data takes base64 unless `parse` returns the same bytes without it.
    """
    members: dict[str, object] = {name.removeprefix(PREFIX): event[name.removeprefix(PREFIX)] for name in event.headers}
    if event.content_type is not None:
        members["datacontenttype"] = event.content_type
    if event.data:
        members |= _data_member(event)
    return msgspec.json.encode(members)


def is_json(payload: bytes) -> bool:
    """Tell whether a payload is JSON text."""
    try:
        payload.decode()  # msgspec does not check strings that it only skips
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _data_member(event: Event) -> dict[str, object]:
    data, kind = event.data, media_type(event.content_type or _DEFAULT_TYPE)
    text = kind.decode(data)
    if text is not None and kind.is_json and is_json(data) and data.strip(_WHITESPACE) == data:
        return {"data": msgspec.Raw(data)}
    if text is not None and not kind.is_json:
        return {"data": text}
    encoded = b64encode(data).decode()
    if event["specversion"] == OLD_SPEC_VERSION:
        return {"data": encoded, **_IN_BASE64}
    return {"data_base64": encoded}


def _members(payload: bytes) -> Members | None:
    try:
        payload.decode()  # msgspec does not check strings that it only skips
        return msgspec.json.decode(payload, type=Members)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _event(members: Members) -> Event:
    data, encoded = members.pop("data", None), members.pop("data_base64", None)
    attributes = {name: value for name, raw in members.items() if (value := _scalar(name, raw)) is not None}
    if attributes.get("specversion") == OLD_SPEC_VERSION and attributes.items() >= _IN_BASE64.items():
        del attributes["datacontentencoding"]
        data, encoded = encoded, data
    data, encoded = _without_null(data, encoded)
    if data is not None:
        attributes.setdefault("datacontenttype", _DEFAULT_TYPE)
    content_type = attributes.pop("datacontenttype", None)
    if content_type is not None and not isinstance(content_type, str):
        raise MalformedEventError("attribute datacontenttype is not a string")
    headers = {PREFIX + name: from_json(name, value) for name, value in attributes.items()}
    kind = None if content_type is None else media_type(content_type)
    content = _decoded(encoded) if encoded is not None else _bytes(data, kind)
    return checked(Event(headers, content_type, content))


def _without_null(data: msgspec.Raw | None, encoded: msgspec.Raw | None) -> tuple[msgspec.Raw | None, ...]:
    """Return the two members of which at most one holds data; null in one of both counts as absent."""
    if encoded is None or bytes(encoded) == _NULL:
        return data, None
    if data is None or bytes(data) == _NULL:
        return None, encoded
    raise MalformedEventError("data and data_base64 exclude each other")


def _scalar(name: str, raw: msgspec.Raw) -> Scalar:
    try:
        scalar: Scalar = msgspec.json.decode(raw, type=Scalar)
    except msgspec.MsgspecError as error:
        raise MalformedEventError(
            f"attribute {name[:64]!r} is not a string, a boolean or an integer of 32 bits"
        ) from error
    return scalar


def _bytes(data: msgspec.Raw | None, kind: MediaType | None) -> bytes:
    """Return JSON as it stands; a string of another content type is the data itself (JSON format 3.1.1)."""
    if data is None or kind is None:
        return b""
    raw = bytes(data)
    if kind.is_json or not raw.startswith(b'"'):
        text = "" if raw == _NULL and not kind.is_json else raw.decode()
    else:
        text = _text(raw)
    return kind.encode(text)


def _text(raw: bytes) -> str:
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError as error:
        raise MalformedEventError("data is a string with a lone surrogate") from error


def _decoded(encoded: msgspec.Raw) -> bytes:
    try:
        return b64decode(msgspec.json.decode(encoded, type=str), validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedEventError("data_base64 is not base64") from error
