"""Spans in memory: the last 50,000, within a bound of bytes."""

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator

from msgspec import Struct

from events.console.spans.model import CONSUMER, SERVER, Kept

MAX_SPANS = 50_000
MAX_BYTES = 64 << 20
_RECENT = 300  # seconds of which figures are made
_NANOSECONDS = 1_000_000_000


class Figures(Struct, rename="camel", frozen=True):
    """What a service handled in the last five minutes; times in seconds."""

    service: str
    requests: int
    errors: int
    p50: float
    p99: float


class SpanStore:
    """The newest spans; the oldest make room for them."""

    def __init__(self, max_spans: int = MAX_SPANS, max_bytes: int = MAX_BYTES) -> None:
        self._max_spans = max_spans
        self._max_bytes = max_bytes
        self._spans: deque[Kept] = deque()
        self._traces: defaultdict[str, deque[Kept]] = defaultdict(deque)
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._spans)

    def add(self, spans: Iterable[Kept]) -> None:
        """Keep spans."""
        for span in spans:
            self._spans.append(span)
            self._traces[span.trace].append(span)
            self.bytes += span.size
        while self._spans and (len(self._spans) > self._max_spans or self.bytes > self._max_bytes):
            self._drop_oldest()

    def of(self, traces: Iterable[str]) -> list[Kept]:
        """Return the spans of traces, oldest first."""
        found = (span for trace in traces for span in self._traces.get(trace, ()))
        return sorted(found, key=lambda span: span.start)

    def figures(self) -> list[Figures]:
        """Return what each service handled lately: spans of requests and of deliveries that it received."""
        since = (time.time() - _RECENT) * _NANOSECONDS
        handled = defaultdict[str, list[Kept]](list)
        for span in self._spans:
            if span.kind in {SERVER, CONSUMER} and span.end >= since:
                handled[span.service].append(span)
        return [_figures(service, spans) for service, spans in sorted(handled.items())]

    def _drop_oldest(self) -> None:
        """Drop the span that came first, which is the first of its trace, too."""
        oldest = self._spans.popleft()
        self.bytes -= oldest.size
        self._traces[oldest.trace].popleft()
        if not self._traces[oldest.trace]:
            del self._traces[oldest.trace]


def _figures(service: str, spans: list[Kept]) -> Figures:
    times = sorted((span.end - span.start) / _NANOSECONDS for span in spans)
    return Figures(
        service=service,
        requests=len(times),
        errors=sum(span.failed for span in spans),
        p50=times[len(times) // 2],
        p99=times[min(len(times) - 1, len(times) * 99 // 100)],
    )
