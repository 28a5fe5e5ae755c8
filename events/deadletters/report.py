"""Dead letters as text: a table of many, or one with all its fields."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from events.deadletters.selection import response
from events.deadletters.store import DeadLetter
from events.runtime.printable import printable

_RESPONSE = "ce-knativeerrordata"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(slots=True)
class _Group:
    """The dead letters of one Trigger with one reason."""

    count: int
    oldest: datetime
    newest: datetime


class Summary:
    """Counts dead letters by Trigger and reason."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, letter: DeadLetter) -> None:
        """Count a dead letter; the oldest is added first."""
        group = self._groups.setdefault((letter.trigger, letter.reason), _Group(0, letter.time, letter.time))
        group.count += 1
        group.newest = letter.time

    def lines(self) -> Iterator[str]:
        """Yield the lines of the table, none without dead letters."""
        rows = [
            (str(group.count), trigger, age(group.oldest), age(group.newest), reason)
            for (trigger, reason), group in sorted(self._groups.items())
        ]
        return _table(("LETTERS", "TRIGGER", "OLDEST", "NEWEST", "REASON"), rows)


def table(letters: Iterable[DeadLetter]) -> Iterator[str]:
    """Yield a table with a line for each dead letter, no lines without any."""
    rows = [
        (str(one.sequence), age(one.time), _attribute(one, "type"), _attribute(one, "subject"), one.reason)
        for one in letters
    ]
    return _table(("NUMBER", "AGE", "TYPE", "SUBJECT", "REASON"), rows)


def details(letter: DeadLetter) -> Iterator[str]:
    """Yield all fields of a dead letter, its event's headers, and the data."""
    fields = {
        "number": str(letter.sequence),
        "trigger": letter.trigger,
        "reason": letter.reason,
        "attempts": str(letter.attempts),
        "dead-lettered": f"{letter.time:%Y-%m-%d %H:%M:%S} UTC, {age(letter.time)} ago",
        "log sequence": str(letter.log_sequence),
    }
    if _RESPONSE in letter.headers:
        fields["response"] = _text(response(letter))
    headers = {name: unquote(value) for name, value in letter.headers.items() if name != _RESPONSE}
    for section in (fields, headers):
        yield from (f"{name:<{max(map(len, section))}}  {printable(value)}" for name, value in section.items())
        yield ""
    yield printable(_indented(letter.data)) or "no data"


def age(time: datetime) -> str:
    """Return how long ago a time was, in the largest unit that fits."""
    seconds = max(0, int((datetime.now(UTC) - time).total_seconds()))
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = (printable(cell).replace("\n", " ").ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _attribute(letter: DeadLetter, name: str) -> str:
    return unquote(letter.headers.get(f"ce-{name}", ""))


def _indented(data: bytes) -> str:
    try:
        return msgspec.json.format(data, indent=2).decode()
    except (msgspec.DecodeError, UnicodeError):
        return _text(data)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeError:
        return b64encode(data).decode()
