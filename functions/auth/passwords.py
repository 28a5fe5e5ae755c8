"""Password hashes: argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first."""

from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_MEMORY_KIB, _PASSES = 19 * 1024, 2
_hasher = PasswordHasher(memory_cost=_MEMORY_KIB, time_cost=_PASSES, parallelism=1)
# No known password has it. Comparing with it takes as long as with an account's, from the first time on.
_UNMATCHABLE = f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p=1${'A' * 22}${'A' * 43}"


def hash_password(password: str) -> str:
    """Return the salted hash of a password, with its parameters."""
    return _hasher.hash(password)


def matches(password_hash: str | None, spellings: Iterable[str]) -> bool:
    """Tell if one of a password's spellings has this hash. Without a hash it takes the same time, and never matches."""
    return any(_verify(password_hash or _UNMATCHABLE, password) for password in spellings) and password_hash is not None


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
