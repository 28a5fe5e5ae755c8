"""Tokens that authenticate requests: JSON Web Tokens (RFC 7519), signed with EdDSA."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Request

from events import keyring

if TYPE_CHECKING:
    from jwt.types import Options

Claims = dict[str, Any]

HMAC = "HS256"
MAX_CACHE = 512


@dataclass(frozen=True)
class Trust:
    """What a valid token has to be: signed with a trusted key, with the `required` claims and, if given, an `audience`.

    `public_keys` is PEM text. `secrets`, a line for each, verify tokens of HS256, which releases up to 0.1 issued. A
    token may have expired `leeway` seconds ago. One issued in the future is valid: the clocks of two nodes differ, and
    its signature says who made it.
    """

    required: tuple[str, ...]
    public_keys: str
    secrets: str | None = None
    audience: str | None = None
    leeway: float = 0


# The claims of verified tokens. A client sends the same one with each request, and verifying it takes longer than all
# else that a small function does.
_verified: dict[tuple[str, Trust], Claims] = {}


def bearer(request: Request) -> str | None:
    """Return the token in the header `Authorization`, if it has one (RFC 6750)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def verify(token: str, trust: Trust) -> Claims | None:
    """Return the claims of a token that is valid now, else None.

    Raises:
        KeyTextError: the keys cannot be read.
    """
    claims = _verified.get((token, trust))
    if claims is None:
        claims = _decode(token, trust)
        if claims is not None:
            _remember(token, trust, claims)
    elif claims["exp"] + trust.leeway <= time.time():
        return None
    return claims


def _remember(token: str, trust: Trust, claims: Claims) -> None:
    if len(_verified) >= MAX_CACHE:
        _verified.clear()
    _verified[token, trust] = claims


def _decode(token: str, trust: Trust) -> Claims | None:
    import jwt  # noqa: PLC0415 - takes 50 ms; a process starts without it, and many never see a token

    options: Options = {"require": list(trust.required), "verify_iat": False}
    for key, algorithm in _candidates(token, trust):
        with suppress(jwt.InvalidTokenError):
            return jwt.decode(token, key, [algorithm], options, audience=trust.audience, leeway=trust.leeway)
    return None


def _candidates(token: str, trust: Trust) -> list[tuple[Any, str]]:
    """Return the keys that may have signed a token, each with the only algorithm that it is used for."""
    import jwt  # noqa: PLC0415 - as above

    keys = keyring.public_keys(trust.public_keys)
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError:
        return []
    if header.get("alg") == HMAC and trust.secrets is not None:
        return [(secret, HMAC) for secret in keyring.read_secrets(trust.secrets)]
    key = keys.get(header.get("kid", ""))
    return [] if key is None else [(key, keyring.ALGORITHM)]
