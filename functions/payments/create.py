"""POST /api/payments: pay for an order, with a token or from the buyer's browser.

The payment is stored, its intent created without a card, the intent's id stored: only then it can be confirmed. So
wherever a process dies, the payment is settled by its intent's id, or by a write of ours if it has none.
"""

from functools import partial

import functions_framework
from flask import Request

from functions.payments import domain, provider, repository
from functions.payments.domain import Confirmer, Order, Payment, PaymentInProgress
from functions.payments.intent import IntentStatus
from functions.shared.clock import now
from functions.shared.errors import ApiError, NotFound, RuleBroken
from functions.shared.replication import await_replica
from functions.shared.storage.database import new_id
from functions.shared.storage.transaction import Transaction
from functions.shared.web import idempotency
from functions.shared.web.body import fields
from functions.shared.web.http import Response, created, error_response, route
from functions.shared.web.idempotency import idempotent, save_response, try_save_response
from functions.shared.web.session import User, signed_in


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_payment(request: Request) -> Response:
    """Take `{orderId, token}`; return 201 `{id}` when it is charged. Without a token, let the browser confirm it."""
    buyer = signed_in(request)
    with fields(request) as body:
        order_id = body.read("orderId", domain.parse_order_id)
        token = body.read("token", domain.parse_token)
    start, existing = partial(_start, buyer, token), partial(_existing, token)
    is_known = await_replica(order_id, lambda: repository.knows_order(order_id) or None)
    payment = repository.add(order_id, start, existing) if is_known else None
    if payment is None:
        raise NotFound
    if not payment.is_pending:
        return _response(payment)
    with provider.unsure(payment):
        return _charge(payment, token) if token else _let_browser_confirm(payment)


def _start(buyer: User, token: str | None, order: Order) -> Payment:
    payable = order.require_owner(buyer.id).require_payable(now())
    confirmer, request = (Confirmer.SERVICE, idempotency.request()) if token else (Confirmer.BROWSER, None)
    return Payment(new_id(), payable.id, payable.price, now(), request=request, confirmer=confirmer)


def _existing(token: str | None, payment: Payment, rejection: RuleBroken | None) -> Payment:
    """Return the order's payment to a request that goes on with it; reject every other one."""
    if payment.is_browsers and payment.is_pending and token is None:
        if rejection:
            raise rejection
        return payment
    return payment.require_outcome() if idempotency.repeats(payment.request) else payment.reject_second()


def _charge(payment: Payment, token: str) -> Response:
    intent = provider.create_intent(payment)
    payment = repository.store_intent(payment, intent.id)
    if payment.is_pending:  # else it was given up while this process was held up
        outcome = provider.confirm(payment, token)
        payment = repository.record(payment, outcome, _save_response)
    return _response(payment)


def _save_response(payment: Payment, recording: Transaction) -> None:
    try_save_response(_response(payment), recording)


def _response(payment: Payment) -> Response:
    try:
        return created({"id": payment.require_paid().id})
    except ApiError as error:
        return error_response(error)


def _let_browser_confirm(payment: Payment) -> Response:
    """Return 201 `{id, status, clientSecret}`, the same as long as the payment has no outcome."""
    intent = provider.retrieve_intent(payment) if payment.intent_id else provider.create_intent(payment)
    if outcome := intent.outcome:  # before the webhook brings it
        repository.update(payment.id, lambda payment, order: payment.settle(outcome, order)).reject_second()
    if intent.status == IntentStatus.PROCESSING:
        raise PaymentInProgress
    status = IntentStatus.REQUIRES_PAYMENT_METHOD.value
    response = created({"id": payment.id, "status": status, "clientSecret": intent.client_secret})
    stored = repository.store_intent_and(payment, intent.id, partial(save_response, response))
    return response if stored.is_pending and stored.intent_id == intent.id else stored.reject_second()
