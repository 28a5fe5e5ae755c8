"""One request that is being carried out."""

import secrets
from dataclasses import dataclass

from local.stripe_standin.faults import FaultInjector
from local.stripe_standin.ledger import Ledger, Object
from local.stripe_standin.parameters import Parameters
from local.stripe_standin.problems import missing_resource
from local.stripe_standin.webhooks import Webhooks

KINDS = {"latest_charge": "charge", "charge": "charge", "payment_intent": "payment_intent"}  # of what can be expanded


@dataclass(frozen=True)
class Call:
    """What carries out a request; `key` is its idempotency key. Without an id, what happens was not asked for.

    `address` is where the caller reaches this server; `is_browser` says that it came with the publishable key.
    """

    id: str | None
    key: str | None
    address: str
    is_browser: bool
    ledger: Ledger
    webhooks: Webhooks
    injector: FaultInjector

    def announce(self, kind: str, subject: Object) -> None:
        """Let the shop know, in the transaction that changed the subject."""
        self.webhooks.store(kind, subject, {"id": self.id, "idempotency_key": self.key}, self.injector.behaviour)

    def find(self, kind: str, identifier: str, param: str, status: int = 400) -> Object:
        """The object with this id.

        Raises:
            Problem: there is none.
        """
        if (found := self.ledger.find(kind, identifier)) is None:
            raise missing_resource(kind, identifier, param, status)
        return found

    def expanded(self, item: Object, given: Parameters) -> Object:
        """The object with those of its references that the request names replaced by what they refer to."""
        referred = {name: item[name] for name in given.get("expand", []) if item[name]}
        return item | {name: self.ledger.find(KINDS[name], reference) for name, reference in referred.items()}

    def listing(self, kind: str, path: str, given: Parameters) -> Object:
        """A page of objects, newest first."""
        if after := given.get("starting_after"):
            self.find(kind, after, "starting_after")
        limit = given.get("limit", 10)
        found = self.ledger.page(kind, limit + 1, after, given.get("payment_intent"))
        return {"object": "list", "url": path, "has_more": len(found) > limit, "data": found[:limit]}


def new_id(prefix: str) -> str:
    """An id that nothing has yet."""
    return f"{prefix}_{secrets.token_hex(12)}"
