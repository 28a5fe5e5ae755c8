"""The signature of a delivery: a token proves that the bridge sent it.

Behind an ingress that all workloads share, a NetworkPolicy cannot tell the bridge from others.
"""

import os

from flask import Request

from events import keyring
from functions.shared import log, settings
from functions.shared.errors import NotAuthorized
from functions.shared.web import token

CLOCK_SKEW_SECONDS = 60
CLAIMS = ("aud", "iat", "exp")

settings.check("EVENTS_PUBLIC_KEYS", keyring.read_public_keys)


def require(request: Request) -> None:
    """Require that a delivery is signed for this function; without the variable EVENTS_PUBLIC_KEYS any passes.

    Raises:
        NotAuthorized: it is not signed with one of EVENTS_PUBLIC_KEYS.
        KeyTextError: EVENTS_PUBLIC_KEYS cannot be read.
    """
    if "EVENTS_PUBLIC_KEYS" not in os.environ:
        return
    keys, this = os.environ["EVENTS_PUBLIC_KEYS"], log.function_name()
    trust = token.Trust(CLAIMS, keys, audience=this, leeway=CLOCK_SKEW_SECONDS)
    if token.verify(token.bearer(request) or "", trust) is None:
        raise NotAuthorized
