"""The JSON body of a request, and its fields, of which all bad ones are reported at once."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from functions.shared.errors import (
    FieldError,
    InvalidField,
    InvalidFields,
    MalformedBody,
    TooLarge,
    UnsupportedMediaType,
)
from functions.shared.web import cloudevent
from functions.shared.web.once import once

LIMIT_BYTES = 64 * 1024
JSON = "application/json"
IDENTITY = {"", "identity"}  # content codings that leave a body as it is

Value = TypeVar("Value")
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Fields:
    """The fields of a body. As a context manager, it raises `InvalidFields` at its end if any was bad."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._errors: list[FieldError] = []

    def read(self, name: str, parse: Callable[[object], Value]) -> Value:
        """Return the field's value as `parse` makes it of what was sent (None if nothing was)."""
        try:
            return parse(self._values.get(name))
        except InvalidField as error:
            self._errors.append(FieldError(str(error), name))
            return None  # type: ignore[return-value]  # not seen by any caller: __exit__ raises

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._errors and error is None:
            raise InvalidFields(self._errors)


def read(request: Request) -> None:
    """Read the whole body, at most LIMIT_BYTES: left unread, functions-framework would read one of any size.

    Raises:
        TooLarge: the body is over LIMIT_BYTES.
    """
    # A body in chunks, of no stated length, is cut off at the limit and not refused: so one byte more tells.
    request.max_content_length = LIMIT_BYTES + 1
    try:
        taken = request.get_data()
    except RequestEntityTooLarge as error:
        raise TooLarge from error
    if len(taken) > LIMIT_BYTES:
        raise TooLarge


@once
def content(request: Request) -> bytes:
    """Return the JSON of the request's body; of the event's data if the request is a CloudEvent.

    Raises:
        UnsupportedMediaType: the body is said to be something else than JSON.
        NotACloudEvent: it is said to be a CloudEvent and is not.
    """
    if cloudevent.is_cloudevent(request.headers):
        return cloudevent.json_data(cloudevent.receive(request))
    json = request.get_data()
    if json and (request.mimetype != JSON or request.headers.get("Content-Encoding", "").lower() not in IDENTITY):
        raise UnsupportedMediaType
    return json


def fields(request: Request) -> Fields:
    """Read the fields of `content`.

    Raises:
        MalformedBody: it is not a JSON object.
    """
    json = content(request)
    return Fields(_decode(json) if json else {})


def _decode(json: bytes) -> dict[str, Any]:
    try:
        return _decoder.decode(json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, InvalidOperation) as error:
        raise MalformedBody from error
