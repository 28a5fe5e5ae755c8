"""Decode JSON of the Kubernetes API, of any depth.

Kubernetes accepts objects that are 10,000 levels deep. Python's limit is lower, from 3.12 on without a way to raise it,
and the client decodes many objects at once: a single one that is too deep would make all others unreadable.
"""

import re
from typing import Any

import msgspec

_DEEPEST = 500  # levels; the fields that are read here are within 50
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]')


def decode(text: bytes | str | msgspec.Raw, type: Any = Any) -> Any:  # noqa: A002, ANN401 msgspec's own signature
    """Decode a text; values that are too deep become null."""
    try:
        return msgspec.json.decode(text, type=type)
    except RecursionError:
        return msgspec.json.decode(_shallow(text.encode() if isinstance(text, str) else bytes(text)), type=type)


def _shallow(text: bytes) -> bytes:
    kept, begin, depth = list[bytes](), 0, 0
    for token in _TOKEN.finditer(text):
        opens, closes = token[0] in b"[{", token[0] in b"]}"
        depth += opens
        if opens and depth == _DEEPEST + 1:
            kept += text[begin : token.start()], b"null"
        if closes and depth == _DEEPEST + 1:
            begin = token.end()
        depth -= closes
    return b"".join([*kept, text[begin:]])
