"""Every event of the system: its type, the service that sends it, and the shape of its data.

Types are `dev.ticketing.<name>`; docs/architecture/saga.md says who reacts to them and how. Field names are camelCase
on the wire. Receivers ignore fields that they do not know, so a new field is no new version; anything else is.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

TYPE_PREFIX = "dev.ticketing."
SOURCE_PREFIX = "/ticketing/"
SCHEMA_BASE = "https://ticketing.dev/schemas/"

# Python's $ also matches before a line's end; the length does not.
Id = Annotated[str, Meta(pattern="^[0-9a-f]{24}$", max_length=24, description="a MongoDB ObjectId as 24 hex digits")]
Version = Annotated[int, Meta(ge=0, le=2**53 - 1, description="counts the changes of one aggregate, from 0")]
Price = Annotated[float, Meta(gt=0, le=999_999.99, description="US dollars, at most two decimals")]
Instant = Annotated[datetime, Meta(tz=True, description="ISO 8601, UTC")]
OrderStatus = Literal["created", "awaiting:payment", "complete", "cancelled"]


class Event(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What happened, in the past tense.

    `NAME` and `SERVICE` give the CloudEvent's type and source; `AGGREGATE` is the field that gives its subject.
    """

    NAME: ClassVar[str]
    SERVICE: ClassVar[str]
    AGGREGATE: ClassVar[str] = "id"

    @property
    def subject(self) -> str:
        """The aggregate's id."""
        return str(getattr(self, self.AGGREGATE))

    @classmethod
    def type(cls) -> str:
        """Return the CloudEvent's type."""
        return TYPE_PREFIX + cls.NAME

    @classmethod
    def source(cls) -> str:
        """Return the CloudEvent's source."""
        return SOURCE_PREFIX + cls.SERVICE

    @classmethod
    def schema(cls) -> str:
        """Return the CloudEvent's dataschema; its version changes when receivers have to change."""
        return f"{SCHEMA_BASE}{cls.NAME}.v1.json"


# The extension attribute `change` of a ticket.updated that changes `order_id` only, so that Triggers of functions that
# need title and price can filter it out.
RESERVATION = "reservation"


class TicketState(Event, frozen=True, kw_only=True):
    """A ticket's whole public state. `order_id` is there while the ticket is reserved."""

    SERVICE: ClassVar[str] = "tickets"

    id: Id
    version: Version
    title: str
    price: Price
    user_id: Id
    order_id: Id | None = None


class OwnTicket(TicketState, frozen=True, kw_only=True):
    """A ticket as its seller lists it. Not an event."""

    status: Literal["available", "reserved", "sold"]


class TicketCreated(TicketState, frozen=True, kw_only=True):
    """A seller offered a ticket."""

    NAME: ClassVar[str] = "ticket.created"


class TicketUpdated(TicketState, frozen=True, kw_only=True):
    """A ticket was edited, reserved or released."""

    NAME: ClassVar[str] = "ticket.updated"


class TicketDeleted(Event, frozen=True, kw_only=True):
    """A seller took a ticket back. No later version of it exists."""

    NAME: ClassVar[str] = "ticket.deleted"
    SERVICE: ClassVar[str] = "tickets"

    id: Id
    version: Version


class ReservationRejected(Event, frozen=True, kw_only=True):
    """An order holds a ticket that was deleted meanwhile."""

    NAME: ClassVar[str] = "ticket.reservation-rejected"
    SERVICE: ClassVar[str] = "tickets"
    AGGREGATE: ClassVar[str] = "ticket_id"

    order_id: Id
    ticket_id: Id
    reason: str


class OrderedTicket(Struct, frozen=True, kw_only=True):
    """The ticket as it stood when it was reserved."""

    id: Id
    title: str
    price: Price


class OrderState(Event, frozen=True, kw_only=True):
    """An order's whole public state."""

    SERVICE: ClassVar[str] = "orders"

    id: Id
    version: Version
    status: OrderStatus
    user_id: Id
    expires_at: Instant
    ticket: OrderedTicket


class OrderStep(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One transition of an order: the status that it reached, and when."""

    status: OrderStatus
    at: Instant
    reason: str | None = None


class OrderDetail(OrderState, frozen=True, kw_only=True):
    """An order as it is shown alone, with its transitions, oldest first. Not an event."""

    history: list[OrderStep]


class OrderCreated(OrderState, frozen=True, kw_only=True):
    """A buyer reserved a ticket."""

    NAME: ClassVar[str] = "order.created"


class OrderAwaitingPayment(OrderState, frozen=True, kw_only=True):
    """Its buyer began to pay."""

    NAME: ClassVar[str] = "order.awaiting-payment"


class OrderCompleted(OrderState, frozen=True, kw_only=True):
    """An order was paid."""

    NAME: ClassVar[str] = "order.completed"


class OrderRenewed(OrderState, frozen=True, kw_only=True):
    """A buyer took more time to pay."""

    NAME: ClassVar[str] = "order.renewed"


class OrderCancelled(OrderState, frozen=True, kw_only=True):
    """An order ended without its ticket changing hands."""

    NAME: ClassVar[str] = "order.cancelled"

    reason: str


class ExpirationCompleted(Event, frozen=True, kw_only=True):
    """The time to pay for an order is over."""

    NAME: ClassVar[str] = "expiration.completed"
    SERVICE: ClassVar[str] = "expiration"
    AGGREGATE: ClassVar[str] = "order_id"

    order_id: Id
    expires_at: Instant | None = None  # the time that it was scheduled for; events of version 0.1 have none


class PaymentEvent(Event, frozen=True, kw_only=True):
    """What happened to the one payment of an order."""

    SERVICE: ClassVar[str] = "payments"

    id: Id
    order_id: Id


class PaymentStarted(PaymentEvent, frozen=True, kw_only=True):
    """A buyer began to pay."""

    NAME: ClassVar[str] = "payment.started"


class PaymentOverdue(PaymentEvent, frozen=True, kw_only=True):
    """A payment should have come to its end by now."""

    NAME: ClassVar[str] = "payment.overdue"


class PaymentCreated(PaymentEvent, frozen=True, kw_only=True):
    """The order is paid. `provider_id` is the charge's at the provider."""

    NAME: ClassVar[str] = "payment.created"

    amount: Price
    provider_id: str


class PaymentFailed(PaymentEvent, frozen=True, kw_only=True):
    """No money was taken."""

    NAME: ClassVar[str] = "payment.failed"

    reason: str


class RefundRequested(PaymentEvent, frozen=True, kw_only=True):
    """Money was taken for an order that does not stand; it is to go back."""

    NAME: ClassVar[str] = "payment.refund-requested"

    amount: Price
    provider_id: str


class PaymentRefunded(PaymentEvent, frozen=True, kw_only=True):
    """All of it went back."""

    NAME: ClassVar[str] = "payment.refunded"

    amount: Price


EVENTS: tuple[type[Event], ...] = (
    TicketCreated,
    TicketUpdated,
    TicketDeleted,
    ReservationRejected,
    OrderCreated,
    OrderAwaitingPayment,
    OrderCompleted,
    OrderRenewed,
    OrderCancelled,
    ExpirationCompleted,
    PaymentStarted,
    PaymentOverdue,
    PaymentCreated,
    PaymentFailed,
    RefundRequested,
    PaymentRefunded,
)
