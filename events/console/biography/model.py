"""What a biography consists of, as the page receives it."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

DeliveryState = Literal["delivered", "waiting", "under way", "retrying", "dead letter"]
Mood = Literal["good", "bad", "plain"]


class Delivery(Struct, rename="camel", frozen=True):
    """How far the delivery of an event to one Trigger is.

    `attempts` failed so far, the last for `reason`; the next is at `until`. `letter` is the dead letter's number.
    """

    trigger: str
    state: DeliveryState
    attempts: int = 0
    reason: str = ""
    until: datetime | None = None
    letter: int | None = None


class Entry(Struct, rename="camel", frozen=True):
    """One event of an order: what happened, in words, and how far its deliveries are.

    `copies` counts how often the log has it again, since an outbox may be published twice.
    """

    sequence: int
    time: datetime
    name: str
    service: str
    text: str
    mood: Mood
    trace: str
    data: str
    deliveries: list[Delivery]
    replayed_to: str = ""
    copies: int = 0


class Scheduled(Struct, rename="camel", frozen=True):
    """An event that the log holds back until it is due."""

    name: str
    due: datetime
    text: str


class Biography(Struct, rename="camel", frozen=True):
    """All that is known of an order. `headline` answers what became of it, `explanation` why, `advice` what to do.

    Texts hold times in ISO 8601, which the page shows in the reader's own time zone.
    """

    order: str
    title: str
    price: float | None
    status: str
    buyer: str
    ticket: str
    mood: Mood
    headline: str
    explanation: list[str]
    advice: str
    entries: list[Entry]
    scheduled: list[Scheduled]
    traces: list[str]
