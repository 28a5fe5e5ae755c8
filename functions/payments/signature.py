"""The signature of webhooks: https://docs.stripe.com/webhooks#verify-manually."""

import os

from functions.payments.stripe_client import stripe


def is_signed(content: bytes, signature: str) -> bool:
    """Say if the provider signed a webhook's body within the last five minutes.

    Raises:
        ValueError: STRIPE_WEBHOOK_SECRET is empty.
    """
    if not (secret := os.environ["STRIPE_WEBHOOK_SECRET"].strip()):
        raise ValueError("STRIPE_WEBHOOK_SECRET is empty")
    try:
        stripe.WebhookSignature.verify_header(content, signature, secret, stripe.Webhook.DEFAULT_TOLERANCE)
    except (stripe.SignatureVerificationError, ValueError, TypeError):  # also for what is not text
        return False
    return True
