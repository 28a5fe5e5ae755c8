"""Finds intents of payments that an earlier version started, which stored an intent's id only when it was charged."""

from functions.payments.domain import Payment
from functions.payments.intent import Intent
from functions.payments.stripe_client import client, to_intent


def find_intent(payment: Payment) -> Intent | None:
    """Return the intent that was made for a payment, None if none was.

    The provider's search knows an intent a minute after it was made (https://docs.stripe.com/search#data-freshness).
    """
    found = client().v1.payment_intents.search({"query": f"metadata['payment']:'{payment.id}'"}).data
    return next((intent for intent in map(to_intent, found) if payment.is_of(intent)), None)
