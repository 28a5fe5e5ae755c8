"""The signature of a delivery: a token proves that the bridge sent it.

Behind an ingress that all workloads share, a NetworkPolicy cannot tell the bridge from others.
"""

import os
import time

from flask import Request

from functions.shared import log
from functions.shared.errors import NotAuthorized
from functions.shared.web import token

CLOCK_SKEW_SECONDS = 60
MAX_CACHE = 32

# When a verified token expires, by token, keys and function. The bridge signs the deliveries of five minutes with one
# token, and verifying it costs as much as all else that a small function does.
_valid_until: dict[tuple[str, str, str], float] = {}


def require(request: Request) -> None:
    """Require that a delivery is signed for this function with one of EVENTS_KEY; without that variable any passes.

    Raises:
        NotAuthorized: it is not signed so.
        ValueError: EVENTS_KEY holds no key.
    """
    if "EVENTS_KEY" not in os.environ:
        return
    proof = (token.bearer(request) or "", os.environ["EVENTS_KEY"], log.function_name())
    if _valid_until.get(proof, 0.0) <= time.time():
        _remember(proof, _expiry(*proof))


def _expiry(given: str, keys: str, this: str) -> float:
    """Return when the token expires.

    Raises:
        NotAuthorized: it is not valid.
    """
    claims = token.verify(given, keys, ["aud", "iat", "exp"], audience=this, leeway=CLOCK_SKEW_SECONDS)
    if claims is None:
        raise NotAuthorized
    return float(claims["exp"])


def _remember(proof: tuple[str, str, str], expires: float) -> None:
    if len(_valid_until) >= MAX_CACHE:
        _valid_until.clear()
    _valid_until[proof] = expires
