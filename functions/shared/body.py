"""The JSON body of a request, and the reading of its fields so that all bad ones are told at once."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from functions.shared import cloudevent
from functions.shared.errors import (
    InvalidField,
    InvalidFields,
    MalformedBody,
    Problem,
    TooLarge,
    UnsupportedMediaType,
)

LIMIT_BYTES = 64 * 1024

Value = TypeVar("Value")
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


class Fields:
    """The fields of a body. Used as a context manager, it raises `InvalidFields` at its end if any was bad."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._problems: list[Problem] = []

    def read(self, name: str, parse: Callable[[object], Value]) -> Value:
        """The field's value as `parse` makes it of what was sent (None if nothing was)."""
        try:
            return parse(self._values.get(name))
        except InvalidField as error:
            self._problems.append(Problem(str(error), name))
            return None  # type: ignore[return-value]  # nobody sees it: __exit__ raises

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._problems and error is None:
            raise InvalidFields(self._problems)


def fields(request: Request) -> Fields:
    """The fields of the request's body; of the event's data if the request is a CloudEvent.

    Raises:
        TooLarge: the body is over LIMIT_BYTES.
        UnsupportedMediaType: it is said to be something else than JSON.
        MalformedBody: it is not a JSON object.
        NotACloudEvent: it is said to be a CloudEvent and is none.
    """
    body = _bounded(request)
    if cloudevent.is_cloudevent(request.headers):
        return Fields(_event_data(request, body))
    if body and request.mimetype != "application/json":
        raise UnsupportedMediaType
    return Fields(_decode(body) if body else {})


def _bounded(request: Request) -> bytes:
    request.max_content_length = LIMIT_BYTES
    try:
        return request.get_data()
    except RequestEntityTooLarge as error:
        raise TooLarge from error


def _event_data(request: Request, body: bytes) -> dict[str, Any]:
    event = cloudevent.parse(request.headers, body)
    if event.data is None:
        return {}
    if isinstance(event.data, bytes):
        return _decode(event.data)
    return _decode(_encode(event.data))


def _encode(data: object) -> bytes:
    try:
        return msgspec.json.encode(data)
    except (UnicodeEncodeError, RecursionError) as error:  # a lone surrogate is no text
        raise MalformedBody from error


def _decode(body: bytes) -> dict[str, Any]:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedBody from error
