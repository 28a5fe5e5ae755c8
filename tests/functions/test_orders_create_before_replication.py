"""orders-create, when the buyer is faster than the event that tells of the ticket."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from functions.orders import tickets
from functions.shared import clock
from tests.eventually import PATIENCE_SECONDS
from tests.functions.harness import Function, Make, User, event, new_id, process, refusal, said
from tests.functions.scenes import ticket_state


def ordered_once_looked_for(
    create: Function, ticket_id: str, then: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> TestResponse:
    """The answer to an order, with `then` happening once its ticket has been looked for in vain."""
    looks: list[str] = []
    find = tickets.find

    def counted(looked_for: str) -> object:
        found = find(looked_for)
        looks.append(looked_for)
        if len(looks) == 1:
            then()
        return found

    monkeypatch.setattr(tickets, "find", counted)
    answer = create.call("POST", json={"ticketId": ticket_id}, user=User())
    assert len(looks) > 1
    return answer


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("ticket.created", ticket_state(id="5" * 24), 201),
        ("ticket.updated", ticket_state(id="5" * 24, version=3), 201),
        ("ticket.deleted", {"id": "5" * 24, "version": 1}, 404),
    ],
)
def test_waits_for_the_ticket(
    function: Make, monkeypatch: pytest.MonkeyPatch, name: str, data: dict[str, object], expected: int
) -> None:
    create = function("orders-create", K_SERVICE="orders")
    replica = function("orders-replicate-ticket", K_SERVICE="orders")

    def arrive() -> None:
        assert replica.deliver(event(name, "tickets", data)).status_code == 204

    monkeypatch.setattr(clock, "REPLICATION_PATIENCE_SECONDS", PATIENCE_SECONDS)
    with process(create.environment):
        assert ordered_once_looked_for(create, "5" * 24, arrive, monkeypatch).status_code == expected


def test_gives_up_on_a_ticket_that_never_comes(function: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    create = function("orders-create")
    assert said(ordered_once_looked_for(create, new_id(), lambda: None, monkeypatch)) == refusal(404, "Not Found")
