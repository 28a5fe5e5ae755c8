"""Logs: one JSON object per line on standard output, with the trace that it belongs to."""

import logging
import os
import sys
import traceback

import msgspec

from events.telemetry import spans
from functions.shared import trace


def info(message: str, **details: object) -> None:
    """Log what happened as it should."""
    _write("INFO", message, details)


def error(message: str, **details: object) -> None:
    """Log what a person has to act on."""
    _write("ERROR", message, details)


def exception(message: str, cause: BaseException, **details: object) -> None:
    """Log an unexpected failure with its traceback."""
    lines = traceback.format_exception(cause)
    _write("ERROR", message, {**details, "exception": "".join(lines)})


class _Records(logging.Handler):
    """Writes what OpenTelemetry says of spans that it cannot send as such lines."""

    def emit(self, record: logging.LogRecord) -> None:
        _write("WARNING", "spans are not sent; they are dropped", {"reason": record.getMessage()})


if spans.are_recorded():
    logging.getLogger("opentelemetry").addHandler(_Records())


def _write(severity: str, message: str, details: dict[str, object]) -> None:
    line = {
        "severity": severity,
        "message": message,
        "function": function_name(),
        **trace.identifiers(),
        **details,
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def function_name() -> str:
    """Return the name of this process's Knative Service; Knative sets K_SERVICE."""
    return os.environ.get("K_SERVICE", "function")
