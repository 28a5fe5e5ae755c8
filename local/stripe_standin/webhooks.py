"""Events for the shop, stored with the change that they announce, then sent until the shop has taken them.

https://docs.stripe.com/webhooks has the rules: the signature, and retries with growing delays for three days.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import secrets
import sqlite3
import time
from contextlib import suppress
from typing import NamedTuple

import aiohttp

from local.stripe_standin.faults import FaultInjection
from local.stripe_standin.ledger import Object

API_VERSION = "2026-10-28.endive"
GIVE_UP_SECONDS = 3 * 24 * 3600
FIRST_PAUSE, MAX_PAUSE = 0.25, 60.0
TIMEOUT = aiohttp.ClientTimeout(total=20)
AT_ONCE = 16
SUCCESSES = range(200, 300)

# Each event is sent `sendings` times more, the next time at `due`, in seconds since 1970.
SCHEMA = """
create table if not exists events (
    sequence integer primary key autoincrement, body text not null, created real not null, due real not null,
    failures integer not null, sendings integer not null
);
create index if not exists events_to_send on events (due) where sendings > 0;
"""

log = logging.getLogger(__name__)


class Delivery(NamedTuple):
    """An event that is to be sent now."""

    sequence: int
    body: str
    created: float
    failures: int


class Webhooks:
    """The events, and the one who sends them to `url`; without a URL they are kept."""

    def __init__(self, database: sqlite3.Connection, url: str, secret: str) -> None:
        self._database = database
        self._url = url
        self._secret = secret.encode()
        self._under_way: set[int] = set()
        self._news = asyncio.Event()
        database.executescript(SCHEMA)

    def store(self, kind: str, subject: Object, request: Object, behaviour: FaultInjection) -> None:
        """Store an event in the transaction that is open."""
        now = time.time()
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(now),
            "data": {"object": subject},
            "livemode": False,
            "pending_webhooks": 1,
            "request": request,
            "type": kind,
        }
        delay = behaviour.webhook_delay if behaviour.webhooks == "late" else 0
        sendings = {"never": 0, "twice": 2}.get(behaviour.webhooks, 1)
        statement = "insert into events (body, created, due, failures, sendings) values (?, ?, ?, 0, ?)"
        self._database.execute(statement, [json.dumps(event), now, now + delay, sendings])
        self._news.set()

    def unsent(self) -> int:
        """How many events are still to be sent."""
        [count] = self._database.execute("select count(*) from events where sendings > 0").fetchone()
        return int(count)

    def clear(self) -> None:
        """Forget all events."""
        self._database.execute("delete from events")

    async def run(self) -> None:
        """Send what is due, for ever."""
        if not self._url:
            await asyncio.Event().wait()
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session, asyncio.TaskGroup() as tasks:
            while True:
                self._news.clear()
                now = time.time()  # one moment for both questions: what falls due between two would wait for news
                for delivery in self._due(now):
                    self._under_way.add(delivery.sequence)
                    tasks.create_task(self._send(session, delivery))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause(now)):
                        await self._news.wait()

    def _due(self, now: float) -> list[Delivery]:
        statement = """
            select sequence, body, created, failures from events where sendings > 0 and due <= ?
            order by due limit ?
        """
        found = self._database.execute(statement, [now, AT_ONCE])
        waiting = [Delivery(*row) for row in found if row[0] not in self._under_way]
        return waiting[: AT_ONCE - len(self._under_way)]

    def _pause(self, now: float) -> float:
        """How long nothing is due that was not due now; what is under way wakes the sender when it ends."""
        statement = "select due from events where sendings > 0 and due > ? order by due limit 1"
        row = self._database.execute(statement, [now]).fetchone()
        return min(row[0] - now, MAX_PAUSE) if row else MAX_PAUSE

    async def _send(self, session: aiohttp.ClientSession, delivery: Delivery) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": self._sign(delivery.body)}
        try:
            body = delivery.body.encode()
            async with session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                taken = response.status in SUCCESSES
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("webhook not delivered: %s", error or type(error).__name__)
            taken = False
        self._note(delivery, taken=taken)
        self._under_way.discard(delivery.sequence)
        self._news.set()

    def _note(self, delivery: Delivery, *, taken: bool) -> None:
        now = time.time()
        if taken:
            statement = "update events set sendings = sendings - 1, failures = 0 where sequence = ?"
            self._database.execute(statement, [delivery.sequence])
        elif now - delivery.created > GIVE_UP_SECONDS:
            self._database.execute("update events set sendings = 0 where sequence = ?", [delivery.sequence])
        else:
            due = now + min(FIRST_PAUSE * 2 ** min(delivery.failures, 20), MAX_PAUSE)
            statement = "update events set due = ?, failures = failures + 1 where sequence = ?"
            self._database.execute(statement, [due, delivery.sequence])

    def _sign(self, body: str) -> str:
        now = int(time.time())
        signature = hmac.new(self._secret, f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
        return f"t={now},v1={signature}"
