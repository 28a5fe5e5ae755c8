"""Refunds at the payment provider: https://docs.stripe.com/api/refunds."""

from functions.payments.domain import Payment
from functions.payments.stripe_client import client, stripe
from functions.shared.errors import NotYet

SUCCEEDED = "succeeded"
FAILED = ("failed", "canceled")


class NotRefundedError(Exception):
    """The provider accepted a refund, and it failed."""


class NotRefundedYet(NotYet):
    """The provider has accepted a refund that is not through yet."""

    message = "Payment is not refunded yet"


def refund(payment: Payment) -> None:
    """Give all of a charge back, unless that is done or under way: the provider gives no more back than it took.

    A key of ours would keep a fault of the provider's for a day; the library makes one for its own second try.

    Raises:
        NotRefundedYet: it is under way.
        NotRefundedError: it failed, so the money has to go back another way. Trying again is up to a person.
        stripe.StripeError: it is not done, or that cannot be told.
    """
    refunds = client().v1.refunds
    made = [*refunds.list({"payment_intent": payment.intent_id, "limit": 100}).auto_paging_iter()]
    if _given(made) < payment.amount and all(one.status == SUCCEEDED for one in made):
        metadata = {"payment": payment.id, "order": payment.order_id}
        made.append(refunds.create({"payment_intent": payment.intent_id, "metadata": metadata}))
    if _given(made) >= payment.amount:
        return
    if failed := [f"{one.id} is {one.status}" for one in made if one.status in FAILED]:
        raise NotRefundedError(", ".join(failed))
    raise NotRefundedYet


def _given(refunds: list[stripe.Refund]) -> int:
    """Sum up the cents that have gone back."""
    return sum(one.amount for one in refunds if one.status == SUCCEEDED)
