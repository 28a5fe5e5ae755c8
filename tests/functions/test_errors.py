"""When something of ours fails: 500, told to the log and not to the caller; and health, which needs nothing."""

import json

import pytest

from functions.shared.storage import database, transaction
from tests.functions import webhooks
from tests.functions.harness import Document, Function, Make, User, declared, event, new_id, process, refusal, said
from tests.functions.scenes import order_state, ticket_state

NOWHERE = "mongodb://user:hidden@127.0.0.1:1/nothing?directConnection=true"
SOMETHING_WRONG = refusal(500, "Something went wrong")
FAR_FUTURE = 2**40
PAYMENT = {"id": new_id(), "orderId": new_id()}
ACCOUNT = {"email": "a@example.com", "password": "password"}
TICKET = {"title": "Jazz night", "price": 20}
SUCCESS = webhooks.content("payment_intent.succeeded", webhooks.intent(new_id()))
SIGNED = {"Stripe-Signature": webhooks.signature(SUCCESS, at=FAR_FUTURE)}
REQUESTS: dict[str, Document] = {
    "auth-signup": {"method": "POST", "json": ACCOUNT},
    "auth-signin": {"method": "POST", "json": ACCOUNT},
    "tickets-create": {"method": "POST", "json": TICKET},
    "tickets-list": {"method": "GET"},
    "tickets-show": {"method": "GET", "path": f"/api/tickets/{new_id()}"},
    "tickets-update": {"method": "PUT", "path": f"/api/tickets/{new_id()}", "json": TICKET},
    "tickets-delete": {"method": "DELETE", "path": f"/api/tickets/{new_id()}"},
    "orders-create": {"method": "POST", "json": {"ticketId": new_id()}},
    "orders-list": {"method": "GET"},
    "orders-show": {"method": "GET", "path": f"/api/orders/{new_id()}"},
    "orders-cancel": {"method": "DELETE", "path": f"/api/orders/{new_id()}"},
    "orders-renew": {"method": "POST", "path": f"/api/orders/{new_id()}/renewal"},
    "payments-create": {"method": "POST", "json": {"orderId": new_id(), "token": "tok_visa"}},
    "payments-webhook": {"method": "POST", "data": SUCCESS, "headers": SIGNED},
}
DELIVERIES = {
    "orders-replicate-ticket": event("ticket.created", "tickets", ticket_state()),
    "orders-expire": event("expiration.completed", "expiration", {"orderId": new_id()}),
    "orders-reject": event(
        "ticket.reservation-rejected", "tickets", {"orderId": new_id(), "ticketId": new_id(), "reason": "deleted"}
    ),
    "orders-await-payment": event("payment.started", "payments", PAYMENT),
    "orders-complete": event("payment.created", "payments", PAYMENT | {"amount": 20.0, "providerId": "pi_1"}),
    "orders-fail-payment": event("payment.failed", "payments", PAYMENT | {"reason": "declined"}),
    "tickets-replicate-order": event("order.created", "orders", order_state(ticket_state())),
    "payments-replicate-order": event("order.created", "orders", order_state(ticket_state())),
    "payments-settle": event("payment.overdue", "payments", PAYMENT),
    "payments-refund": event("payment.refund-requested", "payments", PAYMENT | {"amount": 20.0, "providerId": "pi_1"}),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(transaction, "TIMEOUT_SECONDS", 0.2)


def assert_told_to_the_log_only(function: Function, answer: str, log: str) -> None:
    lines = [json.loads(line) for line in log.splitlines()]
    [fault] = [line for line in lines if line["severity"] == "ERROR"]
    assert fault["function"] == function.name
    assert "Traceback" in fault["exception"]
    assert "127.0.0.1:1" in fault["exception"]
    assert not any(word in answer for word in ("Traceback", "mongo", "127.0.0.1", "Timeout", "crash"))
    assert "hidden" not in log


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", REQUESTS)
def test_a_route_without_its_database_answers_500(
    function: Make, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    route = function(name, MONGO_URI=NOWHERE)
    response = route.call(user=User(), **REQUESTS[name])
    assert said(response) == SOMETHING_WRONG
    assert_told_to_the_log_only(route, f"{response.headers}{response.text}", capsys.readouterr().out)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", DELIVERIES)
def test_an_event_function_without_its_database_asks_for_the_event_again(
    function: Make, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    subscriber = function(name, MONGO_URI=NOWHERE)
    response = subscriber.deliver(DELIVERIES[name])
    assert said(response) == SOMETHING_WRONG
    assert_told_to_the_log_only(subscriber, f"{response.headers}{response.text}", capsys.readouterr().out)


def test_every_function_that_has_a_database_is_tried_without_it() -> None:
    assert {name for name, environment in declared().items() if "MONGO_URI" in environment} == {*REQUESTS, *DELIVERIES}


@pytest.mark.parametrize("name", declared())
def test_health_needs_no_database_and_no_secret(name: str) -> None:
    bare = {variable: declared()[name][variable] for variable in ("FUNCTION_SOURCE", "FUNCTION_TARGET")}
    function = Function(name, bare)
    with process(function.environment):
        response = function.call("GET", "/healthz")
    assert (response.status_code, response.text, response.mimetype) == (200, "ok", "text/plain")


@pytest.mark.parametrize("name", REQUESTS)
def test_a_fault_of_ours_answers_500_in_json(function: Make, name: str) -> None:
    response = function(name, MONGO_URI="no address").call(user=User(), **REQUESTS[name])
    assert said(response) == SOMETHING_WRONG
    assert "X-Google-Status" not in response.headers
