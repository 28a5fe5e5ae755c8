"""The JSON format of CloudEvents: a whole event in one payload, its data taken over byte by byte.

Where 1.0 has `data_base64`, 0.3 has `data` and says `datacontentencoding: base64`.
"""

from base64 import b64decode, b64encode
from contextlib import suppress

import msgspec

from events.cloudevents.event import PREFIX, Event, MalformedEventError, from_attributes

MEDIA_TYPE = "application/cloudevents"
JSON_FORMAT = "application/cloudevents+json"

_OLD = "0.3"
_IN_BASE64 = {"datacontentencoding": "base64"}

Members = dict[str, msgspec.Raw]
Scalar = str | bool | int | None


def announced(content_type: str | None) -> bool:
    """Whether a content type says that the payload is a whole CloudEvent, of whatever format."""
    return content_type is not None and content_type.lower().startswith(MEDIA_TYPE)


def supported(content_type: str) -> bool:
    """Whether a content type is that of one whole CloudEvent in JSON."""
    return content_type.lower().split(";")[0].strip() == JSON_FORMAT


def parse(payload: bytes, content_type: str = JSON_FORMAT) -> Event:
    """The event of a payload. Raises MalformedEventError."""
    if not supported(content_type):
        raise MalformedEventError(f"event format {content_type[:64]!r} is not supported")
    members = _members(payload)
    if members is None:
        raise MalformedEventError("payload is no JSON object")
    return _event(members)


def serialise(event: Event) -> bytes:
    """The payload of an event: its attributes as strings; its data as JSON, as text, or else in base64."""
    members: dict[str, object] = {name.removeprefix(PREFIX): event[name.removeprefix(PREFIX)] for name in event.headers}
    if event.content_type is not None:
        members["datacontenttype"] = event.content_type
    if event.data:
        members |= _data(event)
    return msgspec.json.encode(members)


def _data(event: Event) -> dict[str, object]:
    if _is_json_type(event.content_type) and is_json(event.data):
        return {"data": msgspec.Raw(event.data)}
    with suppress(UnicodeError):
        if not _is_json_type(event.content_type):
            return {"data": event.data.decode()}
    encoded = b64encode(event.data).decode()
    return {"data": encoded, **_IN_BASE64} if event["specversion"] == _OLD else {"data_base64": encoded}


def _is_json_type(content_type: object) -> bool:
    """Whether data of that type is JSON; what nobody typed is (JSON format 3.1)."""
    media_type = str(content_type or "application/json").split(";")[0].strip().lower()
    return media_type.endswith(("/json", "+json"))


def recognise(payload: bytes) -> Event | None:
    """The event of a payload that nothing announced, None if it does not look like one.

    Raises MalformedEventError if it looks like one but is not.
    """
    members = _members(payload) if payload.lstrip()[:1] == b"{" else None
    return _event(members) if members and "specversion" in members else None


def is_json(payload: bytes) -> bool:
    """Whether a payload is JSON text."""
    try:
        payload.decode()  # msgspec leaves strings that it only skips unread
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _members(payload: bytes) -> Members | None:
    try:
        payload.decode()  # msgspec leaves strings that it only skips unread
        return msgspec.json.decode(payload, type=Members)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _event(members: Members) -> Event:
    data, encoded = members.pop("data", None), members.pop("data_base64", None)
    attributes = {name: _scalar(name, raw) for name, raw in members.items()}
    if attributes.get("specversion") == _OLD and _IN_BASE64.items() <= attributes.items():
        del attributes["datacontentencoding"]
        data, encoded = None, data
    attributes.setdefault("datacontenttype", "application/json" if data is not None else None)
    if encoded is not None:
        return from_attributes(attributes, _decoded(encoded))
    return from_attributes(attributes, _json_data(data, attributes["datacontenttype"]))


def _scalar(name: str, raw: msgspec.Raw) -> Scalar:
    try:
        scalar: Scalar = msgspec.json.decode(raw, type=Scalar)
    except msgspec.MsgspecError as error:
        raise MalformedEventError(f"attribute {name[:64]!r} is no string, boolean or integer") from error
    return scalar


def _json_data(data: msgspec.Raw | None, content_type: object) -> bytes:
    """JSON as it stands; a string of another content type is the data itself (JSON format 3.1.1)."""
    if data is None:
        return b""
    raw = bytes(data)
    if raw.startswith(b'"') and not _is_json_type(content_type):
        return str(msgspec.json.decode(raw)).encode()
    return raw


def _decoded(encoded: msgspec.Raw) -> bytes:
    try:
        return b64decode(msgspec.json.decode(encoded, type=str), validate=True)
    except (msgspec.MsgspecError, ValueError) as error:
        raise MalformedEventError("data_base64 is no base64") from error
