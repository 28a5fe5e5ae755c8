"""Dead letters in words: a table of them, or one as a whole."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

import msgspec

from events.deadletters.store import DeadLetter

_ANSWER = "ce-knativeerrordata"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(slots=True)
class Group:
    """Dead letters that have Trigger and reason in common."""

    count: int
    oldest: datetime
    newest: datetime


class Summary:
    """How many there are, per Trigger and reason."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Group] = {}

    def add(self, letter: DeadLetter) -> None:
        """Count a dead letter; they come in the order of their time."""
        group = self._groups.setdefault((letter.trigger, letter.reason), Group(0, letter.time, letter.time))
        group.count += 1
        group.newest = letter.time

    def lines(self) -> Iterator[str]:
        """The table, nothing without dead letters."""
        rows = [
            (str(group.count), trigger, age(group.oldest), age(group.newest), reason)
            for (trigger, reason), group in sorted(self._groups.items())
        ]
        return _table(("LETTERS", "TRIGGER", "OLDEST", "NEWEST", "REASON"), rows)


def one_by_one(letters: Iterable[DeadLetter]) -> Iterator[str]:
    """A table with a line for each, nothing without dead letters."""
    rows = [
        (str(one.sequence), age(one.time), _attribute(one, "type"), _attribute(one, "subject"), one.reason)
        for one in letters
    ]
    return _table(("NUMBER", "AGE", "TYPE", "SUBJECT", "REASON"), rows)


def whole(letter: DeadLetter) -> Iterator[str]:
    """All that is known of one: how it died, the event's attributes, its data."""
    known = {
        "number": str(letter.sequence),
        "trigger": letter.trigger,
        "reason": letter.reason,
        "attempts": str(letter.attempts),
        "given up": f"{letter.time:%Y-%m-%d %H:%M:%S} UTC, {age(letter.time)} ago",
        "place in log": str(letter.origin),
    }
    if _ANSWER in letter.headers:
        known["answer"] = _text(_bytes(unquote(letter.headers[_ANSWER])))
    headers = {name: unquote(value) for name, value in letter.headers.items() if name != _ANSWER}
    for section in (known, headers):
        yield from (f"{name:<{max(map(len, section))}}  {printable(value)}" for name, value in section.items())
        yield ""
    yield printable(_indented(letter.data)) or "no data"


def age(time: datetime) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, int((datetime.now(UTC) - time).total_seconds()))
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def printable(text: str) -> str:
    """Text that tells a terminal nothing but what to show: anybody may have sent it."""
    return "".join(char if char.isprintable() or char == "\n" else ascii(char)[1:-1] for char in text)


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


def _bytes(base64: str) -> bytes:
    try:
        return b64decode(base64, validate=True)
    except ValueError:
        return base64.encode()
