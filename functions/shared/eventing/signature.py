"""Who delivers an event: the bridge, as the token of each delivery says.

Behind an ingress that all share, no NetworkPolicy tells the bridge from others.
"""

import os
import time

from flask import Request

from functions.shared import log
from functions.shared.errors import NotAuthorized
from functions.shared.web import token

CLOCKS_DIFFER_SECONDS = 60
MOST_REMEMBERED = 32

# Until when a token is valid for this function with these keys. The bridge signs the deliveries of five minutes with
# one token, and to verify it costs as much as all else that a small function does.
_valid_until: dict[tuple[str, str, str], float] = {}


def require(request: Request) -> None:
    """See that a delivery is signed for this function with one of EVENTS_KEY; without that variable any is taken.

    Raises:
        NotAuthorized: it is not.
        ValueError: EVENTS_KEY holds no key.
    """
    if "EVENTS_KEY" not in os.environ:
        return
    proof = (token.bearer(request) or "", os.environ["EVENTS_KEY"], log.function_name())
    if _valid_until.get(proof, 0.0) <= time.time():
        _remember(proof, _verified(*proof))


def _verified(given: str, keys: str, this: str) -> float:
    """When the token expires."""
    claims = token.verify(given, keys, ["aud", "iat", "exp"], audience=this, leeway=CLOCKS_DIFFER_SECONDS)
    if claims is None:
        raise NotAuthorized
    return float(claims["exp"])


def _remember(proof: tuple[str, str, str], expires: float) -> None:
    if len(_valid_until) >= MOST_REMEMBERED:
        _valid_until.clear()
    _valid_until[proof] = expires
