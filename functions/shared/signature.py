"""Who delivers an event: the bridge, as the token of each delivery says.

Behind an ingress that all share, no NetworkPolicy tells the bridge from others.
"""

import os

from flask import Request

from functions.shared import log, token
from functions.shared.errors import NotAuthorized

CLOCKS_DIFFER_SECONDS = 60


def require(request: Request) -> None:
    """See that a delivery is signed for this function with one of EVENTS_KEY; without that variable any is taken.

    Raises:
        NotAuthorized: it is not.
        ValueError: EVENTS_KEY holds no key.
    """
    if "EVENTS_KEY" not in os.environ:
        return
    given, this = token.bearer(request) or "", log.function_name()
    keys, required = os.environ["EVENTS_KEY"], ["aud", "iat", "exp"]
    if token.verify(given, keys, required, audience=this, leeway=CLOCKS_DIFFER_SECONDS) is None:
        raise NotAuthorized
