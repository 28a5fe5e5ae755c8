"""How the stand-in behaves towards its callers, good or bad; it can be told while it runs."""

import random
import sqlite3
from typing import Annotated, Literal

import msgspec

Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]

SCHEMA = "create table if not exists behaviour (body text not null)"


class FaultInjection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it can be told; nothing is out of order unless it is told so.

    `charge_delay` passes before a card is charged, `delay` between what a request does and its answer. A request fails
    with this `probability`: `before` it is carried out (500; `for_good`: and under its idempotency key from now on;
    `rate_limit`: 429; `refuse`: 400, since the account may not), or `after` it (the connection is cut without an
    answer). Both are for requests of these `operations`, or for all. Cards that are good are declined with the
    probability `decline`. Charges may be `processing`, and refunds `pending`, until something else is said of them:
    then they end like that. Webhooks are sent at once, after `webhook_delay`, `twice` or `never`, as was said when
    their events happened. A `seed` repeats what chance decides.
    """

    operations: tuple[Literal["create", "confirm", "show", "cancel"], ...] | None = None
    charge_delay: Seconds = 0
    delay: Seconds = 0
    fail: Literal["before", "for_good", "rate_limit", "refuse", "after"] | None = None
    probability: Probability = 1
    decline: Probability = 0
    charges: Literal["succeeded", "processing"] = "succeeded"
    refunds: Literal["succeeded", "pending", "failed"] = "succeeded"
    webhooks: Literal["normal", "late", "twice", "never"] = "normal"
    webhook_delay: Seconds = 0
    seed: int | None = None


class FaultInjector:
    """The behaviour in force. It outlives the process, so that one who kills it at random need not tell it again."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        database.execute(SCHEMA)
        row = database.execute("select body from behaviour").fetchone()
        self._follow(msgspec.json.decode(row[0], type=FaultInjection) if row else FaultInjection())

    def adopt(self, behaviour: FaultInjection) -> None:
        """Behave like this from now on."""
        self._follow(behaviour)
        self._database.execute("delete from behaviour")
        self._database.execute("insert into behaviour values (?)", [msgspec.json.encode(behaviour).decode()])

    def concerns(self, operation: str) -> bool:
        """Say if delays and failures are for this operation."""
        return self.behaviour.operations is None or operation in self.behaviour.operations

    def happens(self, probability: float) -> bool:
        """Whether what has this probability happens this time."""
        return self._chance.random() < probability

    def _follow(self, behaviour: FaultInjection) -> None:
        self.behaviour = behaviour
        self._chance = random.Random(behaviour.seed)  # noqa: S311 - nothing is kept secret by it
