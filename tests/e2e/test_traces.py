"""The spans of a purchase, against the table of docs/architecture/saga.md."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from events.catalogue import TYPE_PREFIX
from tests.e2e.person import Person
from tests.e2e.stack import running
from tests.eventually import eventually
from tests.otlp import Receiver, Span
from tests.pages.test_tables import rows

pytestmark = pytest.mark.slow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
BUYER = f"00-{TRACE}-00f067aa0ba902b7-01"
# Events of a purchase and their reactions. A reservation's ticket.updated is filtered out: orders keep nothing of it.
REACTIONS = {
    "order.created": {"tickets-replicate-order", "payments-replicate-order", "expiration-schedule"},
    "payment.started": {"orders-await-payment", "payments-schedule-settlement"},
    "payment.created": {"orders-complete"},
    "order.completed": {"tickets-replicate-order", "payments-replicate-order"},
    "ticket.updated": set[str](),
}
AWAITING = {"order.awaiting-payment": {"payments-replicate-order"}}  # not if the payment was faster
LATE = {"expiration.completed": "expiration-schedule", "payment.overdue": "payments-schedule-settlement"}


def test_each_event_of_a_purchase_is_below_its_cause_and_each_reaction_below_its_event(tmp_path: Path) -> None:
    """All is one trace, that of the buyer's requests, and the charge is in it."""
    with Receiver() as receiver, running(tmp_path, None, **receiver.environment) as stack:
        seller, buyer = Person(stack.url), Person(stack.url)
        ticket = seller.sell()
        buyer.headers["traceparent"] = BUYER
        order = buyer.reserve(ticket)
        assert buyer.pay(order).status_code == 201
        eventually(lambda: _reactions(receiver) in (REACTIONS, REACTIONS | AWAITING))
        eventually(lambda: _scheduled(receiver) == LATE)

    causes, reactions = _saga()
    found = _reactions(receiver)
    assert {name for name, functions in found.items() if functions != reactions[name]} == {"ticket.updated"}
    assert {name for name in found if not causes[name] & _causes(receiver, name)} == set()
    [charge] = receiver.named("POST /v1/payment_intents/:id/confirm")
    assert (charge.trace, charge.service, charge.kind) == (TRACE, "payments-create", "CLIENT")
    assert charge.attributes["http.response.status_code"] == 200
    assert {one.attributes["cloudevents.event_subject"] for one in _published(receiver, "order.created")} == {order}


def _published(receiver: Receiver, *names: str) -> list[Span]:
    """Return the steps of the trace that put events into the log, or those of some names."""
    found = [one for one in receiver.spans if (one.trace, one.kind) == (TRACE, "PRODUCER")]
    return [one for one in found if not names or _name(one) in names]


def _name(span: Span) -> str:
    return str(span.attributes["cloudevents.event_type"]).removeprefix(TYPE_PREFIX)


def _is_scheduled(span: Span) -> bool:
    return "ticketing.event.notbefore" in span.attributes


def _reactions(receiver: Receiver) -> dict[str, set[str]]:
    """Return the functions that each event came to: below what published it is a delivery, and below that a request."""
    found: dict[str, set[str]] = {}
    for published in _published(receiver):
        if not _is_scheduled(published):
            requests = [one for delivery in receiver.children(published) for one in receiver.children(delivery)]
            functions = {one.service for one in requests if one.kind == "SERVER"}
            found[_name(published)] = found.get(_name(published), set()) | functions
    return found


def _scheduled(receiver: Receiver) -> dict[str, str]:
    """Return the Trigger whose subscriber replied each event for later; its delivery is the parent."""
    by_id = {one.id: one for one in receiver.spans}
    replies = [one for one in _published(receiver) if _is_scheduled(one) and one.parent in by_id]
    return {_name(one): by_id[one.parent].name.removeprefix("trigger:").partition(".")[0] for one in replies}


def _causes(receiver: Receiver, name: str) -> set[str]:
    """Return the functions whose transactions are the parents of what published an event."""
    by_id = {one.id: one for one in receiver.spans}
    return {by_id[one.parent].service for one in _published(receiver, name) if one.parent in by_id}


def _saga() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Return which functions the table has as causes of each event, and which as reactions."""
    causes: dict[str, set[str]] = defaultdict(set)
    reactions: dict[str, set[str]] = defaultdict(set)
    for cells in rows("docs/architecture/saga.md"):
        told, _, by = cells[0].partition(":")
        for name in re.findall(r"`([a-z.-]+)`", told):
            causes[name] |= _functions(by)
            reactions[name] |= _functions(cells[-1])
    return causes, reactions


def _functions(cell: str) -> set[str]:
    """Return the functions that a cell names; `payments-create, -webhook` are two."""
    found: set[str] = set()
    service = ""
    for own, verb in re.findall(r"(?<![\w-])(tickets|orders|payments|expiration)?(-[a-z]+(?:-[a-z]+)*)", cell):
        service = own or service
        found.add(service + verb)
    return found
