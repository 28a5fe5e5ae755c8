"""What a buyer is told where the provider does not tell if a card was charged."""

from collections.abc import Iterator
from contextlib import contextmanager

from functions.payments.domain import Payment, PaymentInProgress
from functions.payments.provider import NotSettledYet
from functions.payments.stripe_client import stripe
from functions.shared import log


@contextmanager
def unsure(payment: Payment) -> Iterator[None]:
    """Tell a buyer that the payment is in progress where the provider does not tell its outcome.

    Raises:
        PaymentInProgress: the provider does not answer, or does not know yet.
    """
    try:
        yield
    except NotSettledYet as error:
        raise PaymentInProgress from error
    except (stripe.APIConnectionError, stripe.APIError, stripe.RateLimitError, stripe.IdempotencyError) as error:
        log.exception("payment provider did not answer; settlement will retry", error, payment=payment.id)
        raise PaymentInProgress from error
