"""The one stream of what all processes say: readable on a terminal, else one JSON object per line."""

import io
import signal
import sys
import time
import zlib
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

STACK = "stack"
NAME_WIDTH = len("payments-schedule-settlement")
NAME_COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)
BOLD, DIM, RED, YELLOW = 1, 2, 31, 33
SEVERITIES = {"ERROR": RED, "CRITICAL": RED, "WARNING": YELLOW}
SHOWN_ELSEWHERE = {"severity", "message", "function", "component", "trace", "exception"}

Record = dict[str, Any]


class Log:
    """Writes lines as they come. Processes of ours write JSON with `severity` and `message`; others write anything."""

    def __init__(self, out: TextIO = sys.stdout, *, readable: bool, colour: bool) -> None:
        self._out = out
        self._render = self._readable if readable else self._json
        self._colour = colour

    def say(self, message: str, severity: str = "INFO", name: str = STACK, **details: object) -> None:
        """What the stack itself has to tell."""
        self._write(name, {"severity": severity, "message": message, **details})

    def pass_on(self, name: str, line: str) -> None:
        """A line that a process wrote."""
        self._write(name, _parse(line))

    def _write(self, name: str, record: Record) -> None:
        try:
            print(self._render(name, record), file=self._out, flush=True)
        except BrokenPipeError:  # whoever read this has gone, so nobody would know what runs
            self._out = io.StringIO()
            signal.raise_signal(signal.SIGTERM)

    def _readable(self, name: str, record: Record) -> str:
        padded = self._paint(f"{name:<{NAME_WIDTH}}", _colour_of(name))
        message = self._paint(record["message"], SEVERITIES.get(record["severity"]))
        details = " ".join(f"{key}={value}" for key, value in record.items() if key not in SHOWN_ELSEWHERE)
        line = f"{time.strftime('%H:%M:%S')} {padded}  {message} {self._paint(details, DIM)}".rstrip()
        return "\n".join([line, *str(record.get("exception", "")).splitlines()])

    def _json(self, name: str, record: Record) -> str:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return msgspec.json.encode({"time": now, "process": name, **record}, enc_hook=str).decode()

    def _paint(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text else text


def _parse(line: str) -> Record:
    try:
        record = msgspec.json.decode(line)
    except msgspec.DecodeError:
        record = None
    if not isinstance(record, dict) or "message" not in record:
        return {"severity": "INFO", "message": line}
    return {**record, "severity": str(record.get("severity", "INFO")).upper(), "message": str(record["message"])}


def _colour_of(name: str) -> int:
    """The same in every run."""
    return BOLD if name == STACK else NAME_COLOURS[zlib.crc32(name.encode()) % len(NAME_COLOURS)]
