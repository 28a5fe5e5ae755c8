"""The one log of all processes: readable on a terminal, else one JSON object per line."""

import asyncio
import io
import re
import signal
import sys
import zlib
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from events.runtime.printable import printable

STACK = "stack"
NAME_WIDTH = len("payments-schedule-settlement")
NAME_COLOURS = (31, 32, 33, 34, 35, 36, 91, 92, 93, 94, 95, 96)
BOLD, DIM, RED, YELLOW = 1, 2, 31, 33
COLOURS = {"ERROR": RED, "CRITICAL": RED, "WARNING": YELLOW}
SHOWN_ELSEWHERE = {"time", "process", "severity", "message", "function", "component", "trace", "exception"}
RECENT = 100  # lines of each process, for those who begin to follow it

# Where servers put a line's severity: `[7] 2026/01/31 10:00:00 [WRN] …` (NATS), `[2026-01-31 …][7][warning][main] …`
# (Envoy before it has read its configuration), `[2026-01-31 …] [7] [ERROR] …` (gunicorn), `2026-01-31 10:00:00,000
# WARNING …` (SecantusDB), `[…], connection: [WT_VERB_DEFAULT][ERROR]: …` (WiredTiger).
MARK = re.compile(r"(?:\[|^[\d-]+ [\d:,]+ )(WRN|ERR|FTL|WARNING|ERROR|CRITICAL|warning|error|critical)[\]: ]")
PREFIX = 160  # characters in which the mark is
MARKS = {"WRN": "WARNING", "ERR": "ERROR", "FTL": "CRITICAL"}

Record = dict[str, Any]
Take = Callable[[Record, str], None]


class Log:
    """Writes lines as they come. Our processes write JSON with `severity` and `message`; servers write plain text."""

    def __init__(self, out: TextIO = sys.stdout, *, readable: bool, colour: bool) -> None:
        self._out = out
        self._render = self._readable if readable else _json
        self._colour = colour
        self._take: Take = self._print
        self._recent: defaultdict[str, deque[Record]] = defaultdict(lambda: deque(maxlen=RECENT))
        self._followers: defaultdict[str, set[asyncio.Queue[Record]]] = defaultdict(set)

    def say(self, message: str, severity: str = "INFO", name: str = STACK, **details: object) -> None:
        """Write a line of the stack itself, about the process `name`."""
        self.write(_stamped(name, {"severity": severity, "message": message, **details}))

    def pass_on(self, name: str, line: str) -> None:
        """Write a line of a process."""
        self.write(_stamped(name, _parse(line)))

    def write(self, record: Record) -> None:
        """Write a record that has `time`, `process`, `severity` and `message`, and give it to followers."""
        self._recent[record["process"]].append(record)
        for follower in self._followers[record["process"]]:
            follower.put_nowait(record)
        self._take(record, self._render(record))

    @contextmanager
    def diverted(self, take: Take) -> Iterator[None]:
        """Give records, and the lines that they would be, to `take` instead of writing them, until the block ends."""
        self._take = take
        try:
            yield
        finally:
            self._take = self._print

    def _print(self, _: Record, line: str) -> None:
        try:
            print(line, file=self._out, flush=True)
        except BrokenPipeError:  # the reader has gone, and with it the only sign of what runs here
            self._out = io.StringIO()
            signal.raise_signal(signal.SIGTERM)

    @contextmanager
    def following(self, name: str) -> Iterator[asyncio.Queue[Record]]:
        """Give a queue with the last records of a process, and those that it writes until the block ends."""
        queue = asyncio.Queue[Record]()
        for record in self._recent[name]:
            queue.put_nowait(record)
        self._followers[name].add(queue)
        try:
            yield queue
        finally:
            self._followers[name].discard(queue)

    def _readable(self, record: Record) -> str:
        name = record["process"]
        padded = self._paint(f"{name:<{NAME_WIDTH}}", _colour_of(name))
        message = self._paint(printable(record["message"]), COLOURS.get(record["severity"]))
        details = " ".join(f"{key}={value}" for key, value in record.items() if key not in SHOWN_ELSEWHERE)
        time = datetime.fromisoformat(record["time"]).astimezone()
        line = f"{time:%H:%M:%S} {padded}  {message} {self._paint(printable(details), DIM)}".rstrip()
        return "\n".join([line, *printable(str(record.get("exception", ""))).splitlines()])

    def _paint(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour and colour and text else text


def _stamped(name: str, record: Record) -> Record:
    stamp = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "process": name}
    return stamp | record | stamp


def _json(record: Record) -> str:
    return msgspec.json.encode(record, enc_hook=str).decode()


def _parse(line: str) -> Record:
    try:
        record = msgspec.json.decode(line)
    except msgspec.DecodeError:
        record = None
    if not isinstance(record, dict) or "message" not in record:
        return {"severity": _marked_severity(line), "message": line}
    return {**record, "severity": str(record.get("severity", "INFO")).upper(), "message": str(record["message"])}


def _marked_severity(line: str) -> str:
    found = MARK.search(line[:PREFIX])
    return MARKS.get(found[1], found[1].upper()) if found else "INFO"


def _colour_of(name: str) -> int:
    """Return the same colour for a process in every run."""
    return BOLD if name == STACK else NAME_COLOURS[zlib.crc32(name.encode()) % len(NAME_COLOURS)]
