"""Which signals a process sends, by OpenTelemetry's own environment variables."""

from collections.abc import Mapping


def is_exported(signal: str, environment: Mapping[str, str]) -> bool:
    """Tell whether a signal, TRACES or METRICS, is sent by OTLP.

    It is where an endpoint is set, in OTEL_EXPORTER_OTLP_ENDPOINT or the signal's own variable, or where
    OTEL_<signal>_EXPORTER says `otlp`; not where that says anything else, or OTEL_SDK_DISABLED is `true`.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if exporter := environment.get(f"OTEL_{signal}_EXPORTER", "").strip():
        return exporter == "otlp"
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return any(environment.get(name) for name in endpoints)
