"""A state change and its event are one transaction: what dies between the two leaves neither."""

from collections.abc import Callable

import pytest

from functions.shared.storage.transaction import Transaction
from tests.functions.harness import Make, Store, User, event, new_id, refusal, said
from tests.functions.payment_scenario import PaymentScenario
from tests.functions.scenes import offer, order_state, owe, place, replicate

USER = User()
Step = Callable[[], tuple[int, object]]


def creating_a_ticket(function: Make) -> Step:
    return lambda: said(function("tickets-create").call("POST", json={"title": "Jazz", "price": 20}, user=USER))


def editing_a_ticket(function: Make) -> Step:
    path = f"/{offer(function, USER)['id']}"
    return lambda: said(function("tickets-update").call("PUT", path, json={"title": "Blues", "price": 30}, user=USER))


def deleting_a_ticket(function: Make) -> Step:
    path = f"/{offer(function, USER)['id']}"
    return lambda: said(function("tickets-delete").call("DELETE", path, user=USER))


def reserving_a_ticket(function: Make) -> Step:
    told = event("order.created", "orders", order_state(offer(function, USER)))
    return lambda: said(function("tickets-replicate-order").deliver(told))


def creating_an_order(function: Make) -> Step:
    body = {"ticketId": replicate(function)["id"]}
    return lambda: said(function("orders-create").call("POST", json=body, user=USER))


def cancelling_an_order(function: Make) -> Step:
    path = f"/{place(function, USER)['id']}"
    return lambda: said(function("orders-cancel").call("DELETE", path, user=USER))


def expiring_an_order(function: Make) -> Step:
    order = place(function, USER, EXPIRATION_WINDOW_SECONDS="0")
    told = event("expiration.completed", "expiration", {"orderId": order["id"]})
    return lambda: said(function("orders-expire").deliver(told))


def rejecting_an_order(function: Make) -> Step:
    order = place(function, USER)
    data = {"orderId": order["id"], "ticketId": order["ticket"]["id"], "reason": "the ticket was deleted"}
    return lambda: said(function("orders-reject").deliver(event("ticket.reservation-rejected", "tickets", data)))


def said_about_a_payment(function: Make, name: str, kind: str, **data: object) -> Step:
    order = place(function, USER)
    told = event(f"payment.{kind}", "payments", {"id": new_id(), "orderId": order["id"], **data})
    return lambda: said(function(name).deliver(told))


def awaiting_a_payment(function: Make) -> Step:
    return said_about_a_payment(function, "orders-await-payment", "started")


def completing_an_order(function: Make) -> Step:
    return said_about_a_payment(function, "orders-complete", "created", amount=20.0, providerId="pi_1")


def failing_a_payment(function: Make) -> Step:
    return said_about_a_payment(function, "orders-fail-payment", "failed", reason="declined")


def starting_a_payment(function: Make) -> Step:
    body = {"orderId": owe(function, USER)["id"], "token": "tok_visa"}
    return lambda: said(function("payments-create").call("POST", json=body, user=USER))


def send_and_die(transaction: Transaction, send: Callable[[Transaction], None] = Transaction.send) -> None:
    send(transaction)
    raise RuntimeError("the end")


@pytest.mark.parametrize(
    "prepare",
    [creating_a_ticket, editing_a_ticket, deleting_a_ticket, reserving_a_ticket, creating_an_order,
     cancelling_an_order, expiring_an_order, rejecting_an_order, awaiting_a_payment, completing_an_order,
     failing_a_payment, starting_a_payment],
)  # fmt: skip
def test_a_failure_after_all_is_written_undoes_everything(
    function: Make, stores: dict[str, Store], monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Make], Step]
) -> None:
    step = prepare(function)
    before = {service: store.dump() for service, store in stores.items()}
    monkeypatch.setattr(Transaction, "send", send_and_die)
    assert step() == refusal(500, "Something went wrong")
    assert {service: store.dump() for service, store in stores.items()} == before
    monkeypatch.undo()


def assert_undone(scenario: PaymentScenario, step: Step) -> None:
    before = scenario.store.dump()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transaction, "send", send_and_die)
        assert step() == refusal(500, "Something went wrong")
    assert scenario.store.dump() == before


@pytest.mark.parametrize("record", [PaymentScenario.settle, PaymentScenario.webhook])
def test_a_failure_after_the_event_of_a_charge_undoes_everything(
    charged: PaymentScenario, record: Callable[[PaymentScenario], tuple[int, object]]
) -> None:
    assert_undone(charged, lambda: record(charged))
    charged.cancel()
    assert_undone(charged, lambda: record(charged))


def test_a_failure_after_the_event_of_a_refund_undoes_everything(scenario: PaymentScenario) -> None:
    scenario.pay()
    assert_undone(scenario, scenario.cancel)
    scenario.cancel()
    assert_undone(scenario, scenario.refund)
