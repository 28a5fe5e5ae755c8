"""Spans by OpenTelemetry's SDK, sent in batches by OTLP/HTTP. Importing this module imports the SDK."""

import atexit
import functools
import os
import threading
from collections.abc import Sequence
from typing import cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from events.telemetry.spans import Attributes, Kind

_KINDS = {kind: SpanKind[kind.name] for kind in Kind}
_TIMEOUT = 2.0  # seconds to send a batch, so that an unreachable endpoint holds up no process that stops


class SdkTracer:
    """Starts spans. The SDK's thread begins with the first one: a server that forks has forked by then."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()

    def start(self, name: str, kind: Kind, parent: str, link: str, attributes: Attributes) -> "SdkSpan":
        """Start a span below `parent`, or a new trace without one; `link` names what it follows from."""
        above = trace.set_span_in_context(NonRecordingSpan(_context(parent)), Context()) if parent else Context()
        links = [Link(_context(link))] if link else None
        return SdkSpan(self._tracer.start_span(name, above, _KINDS[kind], attributes, links))

    @property
    def _tracer(self) -> trace.Tracer:
        with self._lock:
            return _tracer(self._service)


class SdkSpan:
    """A span of the SDK, or one that its sampler drops, as the flag of its parent says."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        own = span.get_span_context()
        self.traceparent = f"00-{own.trace_id:032x}-{own.span_id:016x}-{own.trace_flags:02x}"

    def set(self, attributes: Attributes) -> None:
        """Set attributes."""
        self._span.set_attributes(attributes)

    def fail(self, reason: str, description: str = "") -> None:
        """Mark the step as failed: `reason` is one of few, the status or the class of the error for instance."""
        self._span.set_attribute("error.type", reason)
        self._span.set_status(StatusCode.ERROR, description or None)

    def end(self) -> None:
        """End the step now."""
        self._span.end()


class _Exporter:
    """Sends batches, as SpanExporter does; imports what that needs with the first one, after the first response."""

    def __init__(self) -> None:
        self._is_closing = False
        self._has_failed = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans. While the process ends, the first batch that fails is the last one that is tried."""
        if self._is_closing and self._has_failed:
            return SpanExportResult.FAILURE
        result = self._otlp.export(spans)
        self._has_failed = result is SpanExportResult.FAILURE
        return result

    def close(self) -> None:
        """Note that the process ends."""
        self._is_closing = True

    def shutdown(self) -> None:
        """Close the connections."""
        self._otlp.shutdown()

    @functools.cached_property
    def _otlp(self) -> SpanExporter:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 see above

        is_set = {"OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"} & os.environ.keys()
        return OTLPSpanExporter(timeout=None if is_set else _TIMEOUT)


@functools.cache
def _tracer(service: str) -> trace.Tracer:
    exporter = _Exporter()
    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(cast(SpanExporter, exporter)))

    def close() -> None:
        exporter.close()
        provider.shutdown()

    atexit.register(close)
    return provider.get_tracer("ticketing")


def _resource(service: str) -> Resource:
    """Return what all spans of the process say about it; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come first.

    `Resource.create` would look through all installed packages for detectors, and find none.
    """
    return Resource({SERVICE_NAME: service}).merge(OTELResourceDetector().detect())


def _context(traceparent: str) -> SpanContext:
    _, trace_id, span_id, flags = traceparent.split("-")
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
