"""Who is signed in: a JSON Web Token in a cookie or an Authorization header."""

import os
from dataclasses import dataclass
from datetime import timedelta

import jwt
from flask import Request

from functions.shared.clock import now
from functions.shared.cookie import COOKIE
from functions.shared.errors import NotAuthorized
from functions.shared.ids import parse_id

LIFETIME = timedelta(hours=24)
ALGORITHM = "HS256"


@dataclass(frozen=True)
class User:
    """Who a token speaks for; `iat` is the second in which they signed in."""

    id: str
    email: str
    iat: int


def issue(user_id: str, email: str) -> str:
    """A token for a user, good for a day."""
    signed_in_at = now()
    claims = {"id": user_id, "email": email, "iat": signed_in_at, "exp": signed_in_at + LIFETIME}
    return jwt.encode(claims, os.environ["JWT_KEY"], ALGORITHM)


def signed_in(request: Request) -> User:
    """The user whom the request comes from.

    Raises:
        NotAuthorized: nobody is signed in.
    """
    if (user := current_user(request)) is None:
        raise NotAuthorized
    return user


def current_user(request: Request) -> User | None:
    """The user whom the request comes from; a bad or expired token is nobody."""
    token = _token(request)
    return _verify(token) if token else None


def _token(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return request.cookies.get(COOKIE)


def _verify(token: str) -> User | None:
    try:
        # Clocks of two nodes differ: a token from "the future" is still ours, its signature says so.
        claims = jwt.decode(
            token,
            os.environ["JWT_KEY"],
            algorithms=[ALGORITHM],
            options={"require": ["id", "email", "iat", "exp"], "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        return None
    user_id, email, issued_at = parse_id(claims["id"]), claims["email"], claims["iat"]
    if user_id is None or not isinstance(email, str) or not isinstance(issued_at, int):
        return None
    return User(user_id, email, issued_at)
