"""Tokens that authenticate requests: JSON Web Tokens (RFC 7519), signed with HMAC and SHA-256."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import jwt
from flask import Request
from jwt.types import Options

from events.keyring import keys

ALGORITHM = "HS256"


def bearer(request: Request) -> str | None:
    """Return the token in the header `Authorization`, if it has one (RFC 6750)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def sign(claims: Mapping[str, Any], variable: str) -> str:
    """Return a token with these claims, signed with the first of the `variable`'s keys.

    Raises:
        ValueError: the variable holds no key.
    """
    return jwt.encode(dict(claims), keys(variable)[0], ALGORITHM)


def verify(
    token: str, variable: str, required: list[str], audience: str | None = None, leeway: float = 0
) -> dict[str, Any] | None:
    """Return the claims of a token that one of the `variable`'s keys signed and that is valid now, else None.

    A valid token has the `required` claims and, if one is given, the `audience`; it may have expired `leeway` seconds
    ago. One issued in the future is valid: the clocks of two nodes differ, and its signature says who made it.

    Raises:
        ValueError: the variable holds no key.
    """
    options: Options = {"require": required, "verify_iat": False}
    for key in keys(variable):
        with suppress(jwt.InvalidTokenError):
            return jwt.decode(token, key, [ALGORITHM], options, audience=audience, leeway=leeway)
    return None
