"""Which dead letters a person means."""

from base64 import b64decode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

import msgspec

from events.deadletters.store import DeadLetter, DeadLetters

_RESPONSE, _STATUS = "ce-knativeerrordata", "ce-knativeerrorcode"
_MAX_MESSAGE = 300  # characters


@dataclass(frozen=True, slots=True)
class Selection:
    """Dead letters of which each of these is true that is given; without any, all.

    `since` is when their Triggers gave them up, at the earliest; `cause` is what `cause` returns.
    """

    trigger: str | None = None
    cause: tuple[str, str, str] | None = None
    since: datetime | None = None
    numbers: Collection[int] = ()

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is selected."""
        return (
            (self.trigger is None or letter.trigger == self.trigger)
            and (self.cause is None or cause(letter) == self.cause)
            and (self.since is None or letter.time >= self.since)
            and (not self.numbers or letter.sequence in self.numbers)
        )

    async def find(self, letters: DeadLetters) -> list[DeadLetter]:
        """Return those that are selected, oldest first. Raises nats.errors.Error."""
        return [letter async for letter in letters.list(self.trigger) if self.matches(letter)]


def cause(letter: DeadLetter) -> tuple[str, str, str]:
    """Return what dead letters have in common that one fault made: Trigger, status ("" without), and message.

    The message is that of the function's response where it has one, else the reason.
    """
    return letter.trigger, unquote(letter.headers.get(_STATUS, "")), _message(letter)[:_MAX_MESSAGE]


def response(letter: DeadLetter) -> bytes:
    """Return what the subscriber answered last, as far as it is kept."""
    text = unquote(letter.headers.get(_RESPONSE, ""))
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return text.encode()


def _message(letter: DeadLetter) -> str:
    try:
        found = msgspec.json.decode(response(letter), type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeError):
        return letter.reason
    return found[0].message if found else letter.reason


class _Error(msgspec.Struct):
    message: str


class _Errors(msgspec.Struct):
    errors: list[_Error]
