"""POST /api/payments: pay for an order."""

import functions_framework
from flask import Request

from functions.payments import domain, provider, repository
from functions.payments.domain import Order, Payment
from functions.shared.clock import now
from functions.shared.errors import ApiError, NotFound
from functions.shared.replication import await_replica
from functions.shared.storage.database import new_id
from functions.shared.web import idempotency
from functions.shared.web.body import fields
from functions.shared.web.http import Response, created, error_response, route
from functions.shared.web.idempotency import idempotent
from functions.shared.web.session import User, signed_in


@functions_framework.http
@route
@idempotent(by=signed_in)
def create_payment(request: Request) -> Response:
    """`{orderId, token}` → 201 `{id}`. The payment is stored before the provider is asked, so it is asked once."""
    buyer = signed_in(request)
    with fields(request) as body:
        order_id = body.read("orderId", domain.parse_order_id)
        token = body.read("token", domain.parse_token)
    payment = await_replica(order_id, lambda: repository.add(order_id, lambda order: _start(order, buyer), _again))
    if payment is None:
        raise NotFound
    return _answer(_charge(payment, token) if payment.is_pending else payment)


def _start(order: Order, buyer: User) -> Payment:
    payable = order.require_owner(buyer.id).payable(now())
    return Payment(new_id(), payable.id, payable.price, now(), request=idempotency.request())


def _again(payment: Payment) -> Payment:
    """The payment, for a retry of the request that started it: what came of it. To anybody else it is another one."""
    return payment.require_outcome() if idempotency.repeats(payment.request) else payment.reject_second()


def _charge(payment: Payment, token: str) -> Payment:
    outcome = provider.charge(payment, token)
    return repository.record(
        payment, outcome, lambda payment, updating: idempotency.try_save_response(_answer(payment), updating)
    )


def _answer(payment: Payment) -> Response:
    try:
        return created({"id": payment.require_paid().id})
    except ApiError as refusal:
        return error_response(refusal)
