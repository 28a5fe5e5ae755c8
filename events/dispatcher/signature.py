"""Signed deliveries: a JSON Web Token for each subscriber, in the header `Authorization`.

Claims: `aud` is the subscriber's name, the name of its Knative Service; `iat` and `exp` are ten minutes apart.
"""

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from events import keyring
from events.broker.model import Destination

LIFETIME = 600  # seconds
# A token is used for half of its lifetime: a delivery may wait for a function to start, and clocks may differ.
_RENEWED_AFTER = LIFETIME // 2


class Signer:
    """Signs deliveries to the Knative Services of one namespace, whose cluster-local domain is `domain`.

    `key` is an Ed25519 private key in PEM.

    No other destination gets a signature: neither one whose address differs from its name, nor one that a Trigger of
    another namespace names, since the author of that Trigger chooses the events too.
    """

    def __init__(self, key: str, domain: str) -> None:
        self._key = key
        self._domain = domain
        self._tokens: dict[str, tuple[float, str]] = {}

    def authorization(self, to: Destination) -> str | None:
        """Return the header's value for a delivery to a subscriber, None for one that gets no signature."""
        if urlsplit(to.url).hostname != f"{to.name}.{self._domain}":
            return None
        issued, token = self._tokens.get(to.name, (0.0, ""))
        if not issued <= time.time() < issued + _RENEWED_AFTER:  # before that, too, if the clock was set back
            issued, token = time.time(), f"Bearer {self._sign(to.name)}"
            self._tokens[to.name] = issued, token
        return token

    def _sign(self, audience: str) -> str:
        now = int(time.time())
        return keyring.sign({"aud": audience, "iat": now, "exp": now + LIFETIME}, self._key)


def signer(environment: Mapping[str, str]) -> Signer | None:
    """Make a Signer of EVENTS_SIGNING_KEY and EVENTS_DOMAIN; None without EVENTS_SIGNING_KEY.

    Raises:
        KeyTextError: EVENTS_SIGNING_KEY is not one Ed25519 private key.
    """
    if "EVENTS_SIGNING_KEY" not in environment:
        return None
    key = environment["EVENTS_SIGNING_KEY"]
    keyring.read_signing_key(key)
    return Signer(key, environment["EVENTS_DOMAIN"])
