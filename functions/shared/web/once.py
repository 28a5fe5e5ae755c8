"""Readings of a request that cost something, and are asked for by more than one part of a route."""

import functools
from collections.abc import Callable
from typing import TypeVar

from flask import Request

Value = TypeVar("Value")


def once(read: Callable[[Request], Value]) -> Callable[[Request], Value]:
    """Make a reading happen once for each request: later callers get the value that the first one got."""
    key = f"ticketing.{read.__module__}.{read.__qualname__}"

    @functools.wraps(read)
    def read_once(request: Request) -> Value:
        if key not in request.environ:
            request.environ[key] = read(request)
        value: Value = request.environ[key]
        return value

    return read_once
