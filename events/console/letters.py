"""Dead letters by cause, and the one batch that replays or purges them, through the code of `make dead-letters`."""

import asyncio
import logging
from contextlib import suppress
from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta, Struct
from nats.js.errors import NotFoundError

from events.catalogue import TYPE_PREFIX
from events.console import records
from events.console.access import InvalidRequest, respond
from events.deadletters import DeadLetter, DeadLetters, report
from events.deadletters.batch import Action, Batch, BatchError
from events.deadletters.selection import Selection, cause

_log = logging.getLogger(__name__)

_SHOWN = 50  # letters of a group
_RATE = 10.0  # a second


class Letter(Struct, rename="camel", frozen=True):
    """A dead letter in a list: its number, the event's type, and the order that it is about, "" if about none."""

    number: int
    time: datetime
    name: str
    order: str
    attempts: int


class Group(Struct, rename="camel"):
    """The dead letters that one fault made; the first ones, at most 50, are in `letters`."""

    trigger: str
    status: str
    message: str
    reason: str
    oldest: datetime
    newest: datetime
    count: int
    letters: list[Letter]


class Progress(Struct, rename="camel", frozen=True):
    """How far the batch is that runs, or ran last; `error` says why it ended early."""

    action: Action
    total: int
    done: int
    running: bool
    error: str


class Order(Struct, rename="camel", frozen=True, forbid_unknown_fields=True):
    """What a person orders: `action` for the dead letters of a Trigger, one cause of it, since a time, or one of them.

    `first` takes only the oldest, a canary; `dry_run` only counts; `rate` bounds how many are handled a second.
    """

    action: Action
    trigger: str | None = None
    status: str = ""
    message: str | None = None
    since: datetime | None = None
    number: int | None = None
    first: bool = False
    dry_run: bool = False
    rate: Annotated[float, Meta(gt=0, le=1000)] = _RATE

    @property
    def selection(self) -> Selection:
        """Which dead letters it concerns."""
        whole = None if self.message is None or self.trigger is None else (self.trigger, self.status, self.message)
        numbers = () if self.number is None else (self.number,)
        return Selection(self.trigger, whole, self.since, numbers)


class Letters:
    """Routes about dead letters."""

    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters
        self._batch: Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._error = ""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/dead-letters", self._list),
            web.get("/api/dead-letters/{number:[0-9]+}", self._show),
            web.post("/api/dead-letters", self._start),
        ]

    async def _list(self, _: web.Request) -> web.Response:
        batch = self._progress()  # first: once it has ended, the list is without what it handled
        groups: dict[tuple[str, str, str], Group] = {}
        with suppress(NotFoundError):
            async for letter in self._letters.list():
                _enter(groups, letter)
        return respond({"groups": list(groups.values()), "batch": batch})

    async def _show(self, request: web.Request) -> web.Response:
        try:
            letter = await self._letters.show(int(request.match_info["number"]))
        except NotFoundError:
            raise web.HTTPNotFound(reason="this dead letter does not exist any more") from None
        return respond({"text": "\n".join(report.details(letter))})

    async def _start(self, request: web.Request) -> web.Response:
        order = _order(await request.read())
        if not order.dry_run and self._task is not None and not self._task.done():
            raise web.HTTPConflict(reason="another batch is running; wait until it has ended")
        numbers = [letter.sequence for letter in await order.selection.find(self._letters)]
        numbers = numbers[:1] if order.first else numbers
        if not order.dry_run:
            self._batch, self._error = Batch(self._letters, order.action, numbers, order.rate), ""
            self._task = asyncio.create_task(self._run(self._batch))
        return respond({"count": len(numbers), "numbers": numbers[:_SHOWN], "batch": self._progress()})

    async def _run(self, batch: Batch) -> None:
        try:
            async for letter in batch.run():
                about = {"action": batch.action, "trigger": letter.trigger, "number": letter.sequence}
                _log.info("dead letter handled as a person asked", extra=about)
        except BatchError as error:
            self._error = str(error)
            _log.warning("batch of dead letters ended early; the page says so", extra={"reason": str(error)})

    def _progress(self) -> Progress | None:
        if self._batch is None or self._task is None:
            return None
        batch = self._batch
        return Progress(batch.action, len(batch.numbers), batch.done, not self._task.done(), self._error)


def _order(body: bytes) -> Order:
    try:
        return msgspec.json.decode(body, type=Order)
    except msgspec.MsgspecError as error:
        raise InvalidRequest(str(error)) from None


def _enter(groups: dict[tuple[str, str, str], Group], letter: DeadLetter) -> None:
    """Enter a dead letter into the group of its cause; the oldest comes first."""
    key = trigger, status, message = cause(letter)
    group = groups.setdefault(
        key, Group(trigger, status, message, letter.reason, letter.time, letter.time, count=0, letters=[])
    )
    group.count += 1
    group.newest = letter.time
    if len(group.letters) < _SHOWN:
        group.letters.append(_letter(letter))


def _letter(letter: DeadLetter) -> Letter:
    event_type = letter.headers.get("ce-type", "")
    data = records.fields(letter.data)
    order = data.get("id" if event_type.startswith(f"{TYPE_PREFIX}order.") else "orderId")
    name = event_type.removeprefix(TYPE_PREFIX)
    return Letter(letter.sequence, letter.time, name, order if isinstance(order, str) else "", letter.attempts)
