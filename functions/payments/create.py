"""POST /api/payments: pay for an order, with a token or from the buyer's browser.

The payment is stored, its intent created without a card, the intent's id stored: only then it can be confirmed. So
wherever a process dies, the payment is settled by its intent's id, or by a write of ours if it has none. With a token
the first two happen at the same time: the intent of a payment that was not stored has no card, and no buyer its secret.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

import functions_framework
from flask import Request

from functions.payments import browser, domain, provider, repository
from functions.payments.domain import Confirmer, Order, Payment
from functions.payments.unsure import unsure
from functions.shared.clock import now
from functions.shared.errors import ApiError, NotFound, RuleBroken
from functions.shared.replication import await_replica
from functions.shared.storage.database import new_id
from functions.shared.storage.transaction import Transaction
from functions.shared.web import idempotency
from functions.shared.web.body import fields
from functions.shared.web.http import Response, created, error_response, route
from functions.shared.web.idempotency import idempotent, try_save_response
from functions.shared.web.session import User, signed_in

_beside = ThreadPoolExecutor(int(os.environ.get("THREADS", "4")), "provider")


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_payment(request: Request) -> Response:
    """Take `{orderId, token}`; return 201 `{id}` when it is charged. Without a token, let the browser confirm it."""
    buyer = signed_in(request)
    with fields(request) as body:
        order_id = body.read("orderId", domain.parse_order_id)
        token = body.read("token", domain.parse_token)
    if (order := await_replica(order_id, partial(repository.look_up_order, order_id))) is None:
        raise NotFound
    try:
        payment = _start(buyer, token, order)
    except RuleBroken as rejection:
        if existing := repository.find_of_order(order_id):
            return _go_on(existing, token, order, rejection)
        raise
    return _charge_new(payment, token, order) if token else _open(payment, order)


def _start(buyer: User, token: str | None, order: Order) -> Payment:
    payable = order.require_owner(buyer.id).require_payable(now())
    confirmer, request = (Confirmer.SERVICE, idempotency.request()) if token else (Confirmer.BROWSER, None)
    return Payment(new_id(), payable.id, payable.price, now(), request=request, confirmer=confirmer)


def _go_on(payment: Payment, token: str | None, order: Order, rejection: RuleBroken | None = None) -> Response:
    """Respond with the order's payment to a request that goes on with it; reject every other one.

    A token goes on with what a browser began. `rejection` is the rule by which the order cannot be paid now.
    """
    if idempotency.repeats(payment.request):
        return _response(payment.require_outcome())
    if not (payment.is_browsers and payment.is_pending) or (token and not payment.intent_id):
        payment.reject_second()
    if rejection:
        raise rejection
    if token is None:
        return browser.let_confirm(payment)
    if (ours := repository.take_from_browser(payment, idempotency.request())) is None:
        repository.find(payment.id).reject_second()
    with unsure(payment):
        return _charge(ours, token, order)


def _charge_new(payment: Payment, token: str, order: Order) -> Response:
    """Store the payment while the provider creates its intent, then charge it; go on with the one that was faster."""
    creating = _beside.submit(copy_context().run, provider.create_intent, payment)
    stored = None
    try:
        stored = repository.add(payment)
    finally:
        if stored != payment:
            provider.discard(creating.result)
    if stored != payment:
        return _go_on(stored, token, order)
    with unsure(payment):
        return _charge(repository.store_intent(payment, creating.result().id), token, order)


def _charge(payment: Payment, token: str, order: Order) -> Response:
    if payment.is_pending:  # else it was given up while this process was held up
        outcome = provider.confirm(payment, token)
        payment = repository.record(payment, outcome, order, _save_response)
    return _response(payment)


def _save_response(payment: Payment, recording: Transaction) -> None:
    try_save_response(_response(payment), recording)


def _response(payment: Payment) -> Response:
    try:
        return created({"id": payment.require_paid().id})
    except ApiError as error:
        return error_response(error)


def _open(payment: Payment, order: Order) -> Response:
    stored = repository.add(payment)
    return browser.let_confirm(stored) if stored == payment else _go_on(stored, None, order)
