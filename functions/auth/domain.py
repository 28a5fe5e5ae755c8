"""Who may have an account, and what it takes to sign in."""

from dataclasses import dataclass

from functions.shared.errors import InvalidField, RuleBroken

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


class EmailInUse(RuleBroken):
    """Somebody signed up with this address before, in whatever case."""

    message = "Email in use"


class InvalidCredentials(RuleBroken):
    """No such account, or another password: which of the two is nobody's business."""

    message = "Invalid credentials"


@dataclass(frozen=True)
class Account:
    """A user's account. `email` is as the user wrote it, `password_hash` an argon2id string."""

    id: str
    email: str
    password_hash: str


def email_key(email: str) -> str:
    """What makes two addresses the same: everything but case."""
    return email.casefold()


def parse_new_password(value: object) -> str:
    """A password that is good enough for an account."""
    if not isinstance(value, str) or not SHORTEST_PASSWORD <= len(value) <= LONGEST_PASSWORD:
        raise InvalidField(f"Password must be between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters")
    return value


def parse_password(value: object) -> str:
    """A password to compare; anything that no account can have is simply wrong."""
    if not isinstance(value, str) or not value:
        raise InvalidField("You must supply a password")
    return value[: LONGEST_PASSWORD + 1]
