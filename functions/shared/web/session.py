"""Sessions: a JSON Web Token in a cookie or an Authorization header.

Only auth signs tokens, with SESSION_SIGNING_KEY. SESSION_PUBLIC_KEYS verify them, and JWT_KEY, where it is given, those
that releases up to 0.1 issued.
"""

import os
from dataclasses import dataclass
from datetime import timedelta

from flask import Request

from events import keyring
from functions.shared import settings
from functions.shared.clock import now
from functions.shared.errors import NotAuthorized
from functions.shared.ids import parse_id
from functions.shared.web import cookie, token
from functions.shared.web.once import once

LIFETIME = timedelta(hours=24)
CLAIMS = ("id", "email", "iat", "exp")

settings.check("SESSION_SIGNING_KEY", keyring.read_signing_key)
settings.check("SESSION_PUBLIC_KEYS", keyring.read_public_keys)
settings.check("JWT_KEY", keyring.read_secrets)


@dataclass(frozen=True)
class User:
    """The user whom a token was issued to; `iat` is the second of the sign-in."""

    id: str
    email: str
    iat: int


def issue(user_id: str, email: str) -> str:
    """Return a token for a user, valid for a day."""
    signed_in_at = int(now().timestamp())
    expires_at = signed_in_at + int(LIFETIME.total_seconds())
    claims = {"id": user_id, "email": email, "iat": signed_in_at, "exp": expires_at}
    return keyring.sign(claims, os.environ["SESSION_SIGNING_KEY"])


def signed_in(request: Request) -> User:
    """Return the user who sent the request.

    Raises:
        NotAuthorized: the request has no valid token.
    """
    if (user := current_user(request)) is None:
        raise NotAuthorized
    return user


@once
def current_user(request: Request) -> User | None:
    """Return the user who sent the request; None without a valid token."""
    secrets = os.environ.get("JWT_KEY")
    given = token.bearer(request)
    if given is None:
        given = cookie.read(request, accept_older=secrets is not None)
    trust = token.Trust(CLAIMS, os.environ["SESSION_PUBLIC_KEYS"], secrets)
    return _user(token.verify(given, trust)) if given else None


def _user(claims: token.Claims | None) -> User | None:
    if claims is None:
        return None
    user_id, email, issued_at = parse_id(claims["id"]), claims["email"], claims["iat"]
    if user_id is None or not isinstance(email, str) or not isinstance(issued_at, int):
        return None
    return User(user_id, email, issued_at)
