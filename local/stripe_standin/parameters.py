"""Form-encoded parameters with nesting in brackets, read strictly: what is unknown or malformed is refused."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from local.stripe_standin.problems import invalid

NAME = re.compile(r"[^\[\]]+(\[[^\[\]]*\])*")
MAX_METADATA, MAX_METADATA_KEY, MAX_METADATA_VALUE = 50, 40, 500
MAX_PAGE = 100

Parameters = dict[str, Any]
Kind = Callable[[object, str], Any]  # reads the value of a parameter with this name, or raises a Problem


def decode(text: str) -> Parameters:
    """`a[b]=c` as {"a": {"b": "c"}}; the items of a list stand under their indexes, those of `a[]` counted.

    Raises:
        Problem: a name is malformed, or a value has a name within it.
    """
    decoded: Parameters = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if not NAME.fullmatch(name):
            raise invalid(f"Invalid parameter name: {name}", name)
        branch = decoded
        *path, last = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        for step in path:
            branch = branch.setdefault(step, {})
            if not isinstance(branch, dict):
                raise invalid("Invalid object", name)
        branch[last or str(len(branch))] = value
    return decoded


def record(*required: str, **fields: Kind) -> Kind:
    """An object with these fields and no others."""

    def read(value: object, param: str) -> Parameters:
        given = _object(value, param)
        if strangers := [_within(param, name) for name in given if name not in fields]:
            plural = "s" if len(strangers) > 1 else ""
            raise invalid(
                f"Received unknown parameter{plural}: {', '.join(strangers)}", strangers[0], "parameter_unknown"
            )
        for name in required:
            if name not in given:
                param = _within(param, name)
                raise invalid(f"Missing required param: {param}.", param, "parameter_missing")
        return {name: fields[name](found, _within(param, name)) for name, found in given.items()}

    return read


def integer(value: object, param: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?\d{1,18}", text := string(value, param), re.ASCII):
        raise invalid(f"Invalid integer: {text}", param, "parameter_invalid_integer")
    return int(text)


def positive(value: object, param: str) -> int:
    """A whole number above zero."""
    if (number := integer(value, param)) < 1:
        raise invalid("This value must be greater than or equal to 1.", param, "parameter_invalid_integer")
    return number


def page_size(value: object, param: str) -> int:
    """How many items a list may have."""
    if (number := positive(value, param)) > MAX_PAGE:
        message = f"This value must be less than or equal to {MAX_PAGE}."
        raise invalid(message, param, "parameter_invalid_integer")
    return number


def boolean(value: object, param: str) -> bool:
    """Either `true` or `false`."""
    if (text := string(value, param)) not in {"true", "false"}:
        raise invalid(f"Invalid boolean: {text}", param)
    return text == "true"


def string(value: object, param: str) -> str:
    """Text that is not empty."""
    if not isinstance(value, str):
        raise invalid("Invalid string", param)
    if not value:
        message = (
            f"You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty "
            "value."
        )
        raise invalid(message, param, "parameter_invalid_empty")
    return value


def choice(*options: str) -> Kind:
    """One of these."""

    def read(value: object, param: str) -> str:
        if (text := string(value, param)) not in options:
            raise invalid(f"Invalid {param}: must be one of {', '.join(options)}", param)
        return text

    return read


def items(kind: Kind) -> Kind:
    """A list."""

    def read(value: object, param: str) -> list[Any]:
        if not isinstance(value, dict) or not all(index.isdigit() for index in value):
            raise invalid("Invalid array", param)
        return [kind(item, _within(param, index)) for index, item in value.items()]

    return read


def metadata(value: object, param: str) -> dict[str, str]:
    """What the caller wants to find again."""
    given = _object(value, param)
    if len(given) > MAX_METADATA:
        raise invalid(f"You can have up to {MAX_METADATA} metadata keys, but you passed in {len(given)}.", param)
    for key, text in given.items():
        _no_longer_than("Metadata keys", key, MAX_METADATA_KEY, param)
        _no_longer_than("Metadata values", string(text, _within(param, key)), MAX_METADATA_VALUE, param)
    return given


def _object(value: object, param: str) -> Parameters:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param)
    return value


def _no_longer_than(what: str, text: str, limit: int, param: str) -> None:
    if len(text) > limit:
        message = f"{what} can have up to {limit} characters, but you passed in one of {len(text)}."
        raise invalid(message, param)


def _within(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
