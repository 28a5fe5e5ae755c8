"""Password hashes: argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)


def hash_password(password: str) -> str:
    """The salted hash of a password, with its parameters."""
    return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether a password has this hash. Without a hash it takes the same time, and never matches."""
    try:
        _hasher.verify(password_hash or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash("the password of an account that does not exist")
