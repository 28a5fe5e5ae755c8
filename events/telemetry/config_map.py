"""Knative's ConfigMap `config-observability`, as a folder with a file for each key, read as Knative's components do.

Of its keys those about traces count here: `tracing-protocol` (`none` or `http/protobuf`), `tracing-endpoint` (with its
path) and `tracing-sampling-rate` (0 to 1, the share of traces that begin here; 0 by default). Metrics are on the page
`/metrics` in any case. OpenTelemetry's own variables come first.
"""

from collections.abc import Mapping
from pathlib import Path

HTTP, NONE = "http/protobuf", "none"


class InvalidConfigError(Exception):
    """The ConfigMap says what cannot be done; the text says what."""


def variables(folder: Path) -> Mapping[str, str]:
    """Return OpenTelemetry's variables that say the same, none without the folder. Raises InvalidConfigError."""
    protocol, endpoint = _read(folder, "tracing-protocol", NONE), _read(folder, "tracing-endpoint", "")
    if protocol not in {HTTP, NONE}:
        raise InvalidConfigError(f"tracing-protocol {protocol!r} is not supported; use {HTTP} or {NONE}")
    if bool(endpoint) != (protocol == HTTP):
        raise InvalidConfigError("tracing-endpoint is to be set with the protocol http/protobuf, and only with it")
    if not endpoint:
        return {}
    return {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint, **_sampler(_read(folder, "tracing-sampling-rate", "0"))}


def _read(folder: Path, key: str, default: str) -> str:
    file = folder / key
    return file.read_text().strip() or default if file.is_file() else default


def _sampler(text: str) -> Mapping[str, str]:
    """Return the variables for a sampling rate. A trace that comes in is recorded if its flag says so."""
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise InvalidConfigError(f"tracing-sampling-rate {text!r} is not a number from 0 to 1")
    return {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(rate)}
