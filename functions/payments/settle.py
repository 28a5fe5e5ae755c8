"""On payment.overdue: settle a payment that is still pending, with two calls to the provider at most."""

import os
from dataclasses import replace
from datetime import timedelta

import functions_framework

from events.catalogue import PaymentOverdue
from functions.payments import messages, provider, repository, search
from functions.payments.domain import Order, Payment
from functions.payments.intent import NOT_CHARGED, Decline, Outcome
from functions.shared.clock import now
from functions.shared.eventing.reaction import Reply, reacts_to


@functions_framework.http
@reacts_to(PaymentOverdue)
def settle_payment(event: PaymentOverdue) -> Reply | None:
    """Record the payment's outcome, which is a failure if nothing was charged; never charge.

    As long as a buyer may confirm it, it is only looked at, and overdue again when the order's time is over.
    """
    payment = repository.find(event.id)
    if not payment.is_pending:
        return None
    order = repository.find_order(payment.order_id)
    is_open = payment.is_browsers and order.is_payable(now())
    if outcome := _look(payment) if is_open else _settle(payment):
        repository.update(payment.id, lambda payment, order: payment.settle(outcome, order))
    return _overdue_again(payment, order) if is_open and outcome is None else None


def _look(payment: Payment) -> Outcome | None:
    return provider.retrieve_intent(payment).outcome if payment.intent_id else None


def _settle(payment: Payment) -> Outcome | None:
    """Return the outcome of the payment, None if it is recorded already."""
    if not payment.intent_id and payment.confirmer is None and (found := search.find_intent(payment)):
        payment = replace(payment, intent_id=found.id)
    if not payment.intent_id:
        payment = repository.update(payment.id, _give_up)
    return provider.settle(payment) if payment.is_pending else None


def _give_up(payment: Payment, order: Order) -> Payment:
    """Fail a payment that has no intent, in a write after which none can be stored."""
    return payment if payment.intent_id else payment.settle(Decline(NOT_CHARGED), order)


def _overdue_again(payment: Payment, order: Order) -> Reply:
    """Reply payment.overdue for when the order's time is over and its renewal, if there was one, is known here."""
    delay = timedelta(seconds=float(os.environ["SETTLEMENT_DELAY_SECONDS"]))
    event_id = f"{payment.id}-{order.expires_at:%Y%m%dT%H%M%S.%fZ}"
    return Reply(messages.overdue(payment), event_id, not_before=order.expires_at + delay)
