"""Accounts: their addresses and passwords."""

from dataclasses import dataclass

from functions.shared.errors import InvalidField, RuleBroken

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


class EmailInUse(RuleBroken):
    """An account has this address already, in whatever case."""

    message = "Email in use"


class InvalidCredentials(RuleBroken):
    """No such account, or another password; the response does not tell which."""

    message = "Invalid credentials"


@dataclass(frozen=True)
class Account:
    """A user's account. `email` is as the user wrote it, `password_hash` an argon2id string."""

    id: str
    email: str
    password_hash: str


def email_key(email: str) -> str:
    """Return what makes two addresses the same: everything but case."""
    return email.casefold()


def parse_new_password(value: object) -> str:
    """Return a password that an account may have.

    Raises:
        InvalidField: it is too short or too long.
    """
    if not isinstance(value, str) or not SHORTEST_PASSWORD <= len(value) <= LONGEST_PASSWORD:
        raise InvalidField(f"Password must be between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters")
    return value


def parse_password(value: object) -> str:
    """Return a password to compare; one that no account can have is simply wrong.

    Raises:
        InvalidField: there is none.
    """
    if not isinstance(value, str) or not value:
        raise InvalidField("You must supply a password")
    return value[: LONGEST_PASSWORD + 1]
