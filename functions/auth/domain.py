"""Accounts: their addresses and passwords."""

import math
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from functions.shared.errors import InvalidField, RuleBroken, TooManyRequests

MIN_PASSWORD = 8
MAX_PASSWORD = 128
MAX_PAUSE = timedelta(minutes=15)
# A character has at most four code points, as Unicode decomposes what it composes again. Normalising takes the square
# of a run of accents.
MAX_CODE_POINTS = 4 * MAX_PASSWORD


class EmailInUse(RuleBroken):
    """An account has this address already, in upper or lower case."""

    message = "Email in use"


class InvalidCredentials(RuleBroken):
    """No such account, or another password; the response does not tell which."""

    message = "Invalid credentials"


class TooManyAttempts(TooManyRequests):
    """Too many wrong passwords were sent; `wait` is how long no further one is compared."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__()
        self.retry_after_seconds = math.ceil(wait.total_seconds())


@dataclass(frozen=True)
class Account:
    """A user's account. `email` is as the user wrote it, `password_hash` an argon2id string."""

    id: str
    email: str
    password_hash: str


def email_key(email: str) -> str:
    """Return what makes two addresses the same: everything but case."""
    return email.casefold()


def pause(excess: int) -> timedelta:
    """Return how long to pause after a wrong password: a second after the last free one, then twice as long each time.

    `excess` is the number of wrong passwords beyond the free ones.
    """
    if excess < 0:
        return timedelta()
    return min(timedelta(seconds=1 << min(excess, 30)), MAX_PAUSE)


def parse_new_password(value: object) -> str:
    """Return a password that an account may have, normalised.

    Raises:
        InvalidField: it is too short or too long.
    """
    sent = value if isinstance(value, str) and len(value) <= MAX_CODE_POINTS else ""
    if not MIN_PASSWORD <= len(password := normalise(sent)) <= MAX_PASSWORD:
        raise InvalidField(f"Password must be between {MIN_PASSWORD} and {MAX_PASSWORD} characters")
    return password


def parse_password(value: object) -> list[str]:
    """Return the spellings of a password to compare; one that no account can have is simply wrong.

    It is normalised first, then as it was sent: accounts that are older than normalisation have it so.

    Raises:
        InvalidField: there is none.
    """
    if not isinstance(value, str) or not value:
        raise InvalidField("You must supply a password")
    sent = value[: MAX_CODE_POINTS + 1]
    return list(dict.fromkeys((normalise(sent), sent)))


def normalise(password: str) -> str:
    """Return the one spelling of a password that looks the same on all keyboards (RFC 8265, OpaqueString)."""
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", spaced)
