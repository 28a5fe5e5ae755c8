"""What the payment provider sends: https://docs.stripe.com/webhooks."""

import hashlib
import hmac
import json
import time
from collections.abc import Mapping

from tests.functions.harness import Document
from tests.keys import WEBHOOK_SECRET


def intent(payment_id: object, error: Document | None = None, **changes: object) -> Document:
    """A PaymentIntent as events show it, for a payment of ours."""
    known = {"id": "pi_1", "object": "payment_intent", "amount": 1999, "currency": "usd"}
    return known | {"metadata": {"payment": payment_id}, "last_payment_error": error} | changes


def content(kind: str, subject: Mapping[str, object]) -> bytes:
    """The body of an event about an object."""
    told = {"id": "evt_1", "object": "event", "created": int(time.time()), "livemode": False, "type": kind}
    return json.dumps(told | {"data": {"object": subject}}).encode()


def signature(body: bytes, secret: str = WEBHOOK_SECRET, at: float | None = None) -> str:
    """The header that tells that the provider sent this body, now unless another time is given."""
    seconds = int(time.time() if at is None else at)
    code = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={code}"
