"""A span as OTLP's JSON has it, with what is asked of it without decoding it again."""

from typing import Any

import msgspec
from msgspec import Struct

SERVER, CONSUMER = 2, 5  # kinds of spans: https://opentelemetry.io/docs/specs/otlp/
ERROR = 2  # a status

Json = dict[str, Any]


class Kept(Struct, frozen=True):
    """One span: `content` is its JSON by OTLP; times are in nanoseconds since 1970."""

    trace: str
    service: str
    name: str
    kind: int
    start: int
    end: int
    failed: bool
    content: bytes

    @property
    def size(self) -> int:
        """Return roughly how many bytes it takes in memory."""
        return len(self.content) + _OVERHEAD


_OVERHEAD = 400  # bytes


def kept(service: str, span: Json) -> Kept:
    """Return a span of OTLP's JSON to keep. Raises KeyError, TypeError or ValueError for what is not one."""
    return Kept(
        trace=str(span["traceId"]).lower(),
        service=service,
        name=str(span.get("name", "")),
        kind=int(span.get("kind", 0)),
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        failed=(span.get("status") or {}).get("code") == ERROR,
        content=msgspec.json.encode(span),
    )
