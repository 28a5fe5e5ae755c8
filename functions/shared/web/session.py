"""Sessions: a JSON Web Token in a cookie or an Authorization header, signed with JWT_KEY."""

import os
from dataclasses import dataclass
from datetime import timedelta

from flask import Request

from functions.shared.clock import now
from functions.shared.errors import NotAuthorized
from functions.shared.ids import parse_id
from functions.shared.web import token
from functions.shared.web.cookie import COOKIE
from functions.shared.web.once import once

LIFETIME = timedelta(hours=24)
CLAIMS = ["id", "email", "iat", "exp"]


@dataclass(frozen=True)
class User:
    """The user whom a token was issued to; `iat` is the second of the sign-in."""

    id: str
    email: str
    iat: int


def issue(user_id: str, email: str) -> str:
    """Return a token for a user, valid for a day."""
    signed_in_at = now()
    claims = {"id": user_id, "email": email, "iat": signed_in_at, "exp": signed_in_at + LIFETIME}
    return token.sign(claims, os.environ["JWT_KEY"])


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
    given = token.bearer(request)
    if given is None:
        given = request.cookies.get(COOKIE)
    return _verify(given) if given else None


def _verify(given: str) -> User | None:
    claims = token.verify(given, os.environ["JWT_KEY"], CLAIMS)
    if claims is None:
        return None
    user_id, email, issued_at = parse_id(claims["id"]), claims["email"], claims["iat"]
    if user_id is None or not isinstance(email, str) or not isinstance(issued_at, int):
        return None
    return User(user_id, email, issued_at)
