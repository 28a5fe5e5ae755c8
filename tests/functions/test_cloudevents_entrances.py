"""Routes and event functions accept and reject the same events as the ingress, replies, NATS and the outbox."""

import json

import pytest

from tests.entrances import ACCEPTED, CLOUDEVENT, DATA, MALFORMED, NOT_JSON, RULES, UNSUPPORTED, Rule
from tests.functions.harness import Function, Make, User

USER = User()
ROUTE_STATUS = {ACCEPTED: 201, NOT_JSON: 415, MALFORMED: 400, UNSUPPORTED: 415}
REACTION_STATUS = {ACCEPTED: 422, NOT_JSON: 422, MALFORMED: 400, UNSUPPORTED: 415}  # 422: read, and of no use to it


def status(function: Function, rule: Rule, user: User | None = None) -> int:
    """Send the bytes of the headers as WSGI has them, each as a character."""
    headers, body = rule.message
    given = {name: value.encode().decode("latin-1") for name, value in headers}
    return function.call("POST", headers=given, data=body, user=user).status_code


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_route_keeps_every_rule(function: Make, rule: Rule) -> None:
    assert status(function("tickets-create"), rule, USER) == ROUTE_STATUS[rule.outcome]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_an_event_function_keeps_every_rule(function: Make, rule: Rule) -> None:
    assert status(function("expiration-schedule"), rule) == REACTION_STATUS[rule.outcome]


def test_one_event_in_both_modes_is_one_request(function: Make) -> None:
    """Its id is the same, however it is encoded."""
    create = function("tickets-create")
    context = {"specversion": "1.0", "source": "/shop", "type": "com.example.offer"}
    event = json.dumps({**context, "id": "a b", "data": DATA})
    headers = {f"ce-{name}": value for name, value in context.items()} | {"ce-id": "a%20b"}
    one = create.call("POST", data=event, content_type=CLOUDEVENT, user=USER)
    other = create.call("POST", data=json.dumps(DATA), content_type="application/json", headers=headers, user=USER)
    assert (one.status_code, one.json) == (201, other.json)
