"""Log as JSON lines on stdout: an object with `severity`, `message`, `component` and the record's `extra` fields."""

import json
import logging
import sys

from events.telemetry import spans

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class _JsonLines(logging.Formatter):
    def __init__(self, component: str) -> None:
        super().__init__()
        self._component = component

    def format(self, record: logging.LogRecord) -> str:
        line = {"severity": record.levelname, "message": record.getMessage(), "component": self._component}
        line |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if spans.are_recorded() and (step := spans.current()):
            line |= {"trace": step[3:35], "span": step[36:52]}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(component: str) -> None:
    """Have every logger of this process write such lines, from INFO on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines(component))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
