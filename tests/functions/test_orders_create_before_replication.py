"""orders-create, when the buyer is faster than the ticket's event."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from bson import ObjectId
from werkzeug.test import TestResponse

from functions.orders import tickets
from functions.shared import replication
from functions.shared.clock import now
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.functions.harness import Function, Make, User, event, new_id, process, refusal, said
from tests.functions.scenes import ticket_state

WAITERS = 2  # of four threads
A_SECOND = timedelta(seconds=1)


class Looks(list[str]):
    """The ids of tickets that were looked for, one item each time; `then` happens after the first time."""

    then: Callable[[], object] = staticmethod(lambda: None)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    looks, find = Looks(), tickets.find

    def counted(ticket_id: str) -> object:
        found = find(ticket_id)
        looks.append(ticket_id)
        if len(looks) == 1:
            looks.then()
        return found

    monkeypatch.setattr(tickets, "find", counted)
    return looks
    return looks


def order(create: Function, ticket_id: object, **headers: str) -> TestResponse:
    return create.call("POST", json={"ticketId": ticket_id}, user=User(), headers=headers)


@pytest.mark.parametrize(
    ("name", "expected"), [("ticket.created", 201), ("ticket.updated", 201), ("ticket.deleted", 404)]
)
def test_waits_for_a_new_ticket(
    function: Make, monkeypatch: pytest.MonkeyPatch, looks: Looks, name: str, expected: int
) -> None:
    create = function("orders-create", K_SERVICE="orders")
    replica = function("orders-replicate-ticket", K_SERVICE="orders")
    state = {"id": new_id(), "version": 1} if name == "ticket.deleted" else ticket_state(version=3)
    looks.then = lambda: replica.deliver(event(name, "tickets", state))
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", PATIENCE_SECONDS)

    with process(create.environment):
        assert order(create, state["id"]).status_code == expected
    assert len(looks) > 1


def test_gives_up_on_a_new_ticket_that_never_comes(function: Make, looks: Looks) -> None:
    assert said(order(function("orders-create"), new_id())) == refusal(404, "Not Found")
    assert len(looks) > 1


@pytest.mark.parametrize("age", [replication.REPLICATION_TIME + A_SECOND, -replication.REPLICATION_TIME - A_SECOND])
def test_does_not_wait_for_a_ticket_that_cannot_be_under_way(function: Make, looks: Looks, age: timedelta) -> None:
    made = str(ObjectId.from_datetime(now() - age))
    assert said(order(function("orders-create"), made)) == refusal(404, "Not Found")
    assert looks == [made]


def test_half_of_the_threads_wait_and_other_requests_are_told_to_come_again(
    function: Make, monkeypatch: pytest.MonkeyPatch, looks: Looks
) -> None:
    create = function("orders-create", K_SERVICE="orders")
    replica = function("orders-replicate-ticket", K_SERVICE="orders")
    states = [ticket_state() for _ in range(WAITERS)]
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", PATIENCE_SECONDS)

    with process(create.environment), ThreadPoolExecutor(WAITERS) as pool:
        waiting = [pool.submit(order, create, state["id"]) for state in states]
        eventually(lambda: all(looks.count(str(state["id"])) > 1 for state in states))
        crowded_out = order(create, new_id())
        known = ticket_state()
        replica.deliver(event("ticket.created", "tickets", known))
        served = order(create, known["id"])
        for state in states:
            replica.deliver(event("ticket.created", "tickets", state))
        answers = [answer.result().status_code for answer in waiting]

    assert said(crowded_out) == refusal(503, "Service Unavailable")
    assert crowded_out.headers["Retry-After"] == "1"
    assert served.status_code == 201
    assert answers == [201] * WAITERS


def test_a_place_for_waiting_is_free_again_after_each_wait(
    function: Make, monkeypatch: pytest.MonkeyPatch, looks: Looks
) -> None:
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", 0)
    create = function("orders-create")
    for _ in range(WAITERS + 1):
        assert said(order(create, new_id())) == refusal(404, "Not Found")
    assert len(looks) == 2 * (WAITERS + 1)


def test_a_wait_ends_when_the_caller_stops_waiting(
    function: Make, monkeypatch: pytest.MonkeyPatch, looks: Looks
) -> None:
    monkeypatch.setattr(replication, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    deadline = str(now().timestamp() + 0.5)
    answer = order(function("orders-create"), new_id(), **{"X-Request-Deadline": deadline})
    assert said(answer) == refusal(504, "Gateway Timeout")
    assert len(looks) > 1
