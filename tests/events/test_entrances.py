"""Ingress, replies, NATS and the outbox accept and reject the same events."""

import functools
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from events.relay.publishing import RowPublisher
from tests.entrances import CLOUDEVENT, LATIN_1, MALFORMED, NOT_JSON, RULES, UNSUPPORTED, Rule, binary
from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.events.loop import Loop

TWICE = [
    binary("an id that comes twice", MALFORMED, more=(("CE-ID", "2"),)),
    binary("a type that comes twice", MALFORMED, more=(("CONTENT-TYPE", CLOUDEVENT),)),
]
REJECTED = {MALFORMED: 400, UNSUPPORTED: 415}  # the status of the ingress

Outcomes = dict[str, object]  # of each rule: the data that was delivered, or why there is none
Entrance = Callable[[Stage, list[Rule]], Outcomes]


def post(stage: Stage, rule: Rule) -> int:
    headers, body = rule.message
    address = urlsplit(stage.ingress)
    with closing(HTTPConnection(str(address.hostname), address.port, timeout=30)) as connection:
        connection.putrequest("POST", address.path)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            connection.putheader(name, value.encode())
        connection.endheaders(body)
        return connection.getresponse().status


def through_the_ingress(stage: Stage, rules: list[Rule]) -> Outcomes:
    return {rule.name: status for rule in rules if (status := post(stage, rule)) != 202}


def in_replies(stage: Stage, rules: list[Rule]) -> Outcomes:
    """Each rule answers an event whose id is the rule's number."""
    stage.publish(*(event("dev.test.asked", id=str(number)) for number in range(len(rules))))
    stage.await_settled("replier")
    return {rules[int(letter.headers["ce-id"])].name: letter.reason for letter in stage.letters()}


def from_nats(stage: Stage, rules: list[Rule]) -> Outcomes:
    """The number of a rule is its message's in the log."""
    for rule in rules:
        headers, body = rule.message
        stage.send(stage.stream_names.event("any"), dict(headers), body)
    stage.await_settled("listener")
    return {
        rules[letter.log_sequence - 1].name: letter.reason for letter in stage.letters() if letter.trigger == "listener"
    }


def from_an_outbox(stage: Stage, rules: list[Rule]) -> Outcomes:
    rows = [{"_id": rule.name, "event": rule.members} for rule in rules]
    rejected = stage.loop.run(RowPublisher(stage.publisher, stage.stream_names).publish(rows))
    return {str(row["_id"]): reason for row, reason in rejected}


ENTRANCES: dict[str, tuple[Entrance, list[Rule]]] = {
    "ingress": (through_the_ingress, RULES + TWICE),
    "replies": (in_replies, RULES + TWICE),
    "NATS": (from_nats, RULES + TWICE),
    "outbox": (from_an_outbox, [one for one in RULES if one.members is not None and one.content_type == CLOUDEVENT]),
}
CELLS = [(entrance, rule) for entrance, (_, rules) in ENTRANCES.items() for rule in rules]


@pytest.fixture(scope="module")
def outcomes(loop: Loop, nats_url: str) -> Callable[[str], Outcomes]:
    """Return what an entrance made of all its rules, which pass it together and once."""
    return functools.cache(lambda entrance: _passed(loop, nats_url, *ENTRANCES[entrance]))


def _passed(loop: Loop, nats_url: str, entrance: Entrance, rules: list[Rule]) -> Outcomes:
    replier, listener = Sink(), Sink()
    replier.answer = lambda request: _reply(rules[int(str(request.id))])
    with closing(Stage(loop, nats_url)) as stage, closing(replier), closing(listener):
        asked = {"attributes": {"type": "dev.test.asked"}}
        stage.trigger("replier", replier, filter=asked, delivery={"retry": 0})
        stage.trigger("listener", listener, filters=[{"prefix": {"source": "/shop/"}}])
        stage.start_bridge()
        rejected = entrance(stage, rules)
        stage.await_settled("listener")
        delivered = {request.headers["ce-source"]: request for request in listener.requests}
        return {rule.name: _delivered(delivered.get(rule.source)) for rule in rules} | rejected


def _reply(rule: Rule) -> Answer:
    headers, body = rule.message
    return Answer(200, {name: value.encode().decode("latin-1") for name, value in headers}, body)


def _delivered(request: Request | None) -> object:
    return None if request is None else request.body


@pytest.mark.parametrize(("entrance", "rule"), CELLS, ids=str)
def test_every_entrance_keeps_every_rule(outcomes: Callable[[str], Outcomes], entrance: str, rule: Rule) -> None:
    found = outcomes(entrance)[rule.name]
    if rule.outcome in REJECTED:
        assert found == REJECTED[rule.outcome] or isinstance(found, str)
    else:
        assert found == (LATIN_1 if rule.outcome == NOT_JSON else rule.data)
