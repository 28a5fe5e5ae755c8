"""A PaymentIntent of the provider, and its outcomes (https://docs.stripe.com/payments/paymentintents/lifecycle)."""

from dataclasses import dataclass
from enum import StrEnum

CURRENCY = "usd"
NOT_CHARGED = "The payment could not be made"


class IntentStatus(StrEnum):
    """How far a PaymentIntent is: the first two are its ends, from the third it cannot be canceled."""

    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    PROCESSING = "processing"
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"


@dataclass(frozen=True)
class Charge:
    """An outcome: the money was taken."""

    intent_id: str


@dataclass(frozen=True)
class Decline:
    """An outcome: no money was taken, and none will be."""

    reason: str


Outcome = Charge | Decline


@dataclass(frozen=True)
class Intent:
    """A PaymentIntent as the provider shows it. `amount` is in cents; `error` is why its last card was declined."""

    id: str
    status: str
    amount: int
    currency: str
    error: str = ""
    client_secret: str = ""

    @property
    def outcome(self) -> Outcome | None:
        """Return what became of it; None as long as it has no end."""
        if self.status == IntentStatus.SUCCEEDED:
            return Charge(self.id)
        if self.status == IntentStatus.CANCELED:
            return Decline(self.error or NOT_CHARGED)
        return None
