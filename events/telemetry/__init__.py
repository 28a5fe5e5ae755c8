"""Telemetry by OpenTelemetry: spans and metrics, sent by OTLP/HTTP where an endpoint is set."""
