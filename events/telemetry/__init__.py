"""Spans by OpenTelemetry, sent by OTLP/HTTP where an endpoint is set; docs/operations/tracing.md has its variables."""
