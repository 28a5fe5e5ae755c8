"""Event functions accept only deliveries that the bridge signed."""

import json
import time

import jwt
import pytest

from events import keyring
from local import keys
from tests.eventually import eventually
from tests.functions.harness import (
    CLOUDEVENT,
    EVENTS_PUBLIC_KEY,
    EVENTS_SIGNING_KEY,
    SIGNING_KEY,
    Function,
    Make,
    Store,
    User,
    event,
    refusal,
    said,
)
from tests.functions.scenes import ticket_state

NAME = "orders-replicate-ticket"
NOW = int(time.time())
GOOD = {"aud": NAME, "iat": NOW, "exp": NOW + 86_400}  # longer than the tests may take
NEXT_SIGNING_KEY = keys.generate("EVENTS_SIGNING_KEY")
NEXT_PUBLIC_KEY = keys.public_key(NEXT_SIGNING_KEY)
SIGNED_OUT = refusal(401, "Not authorized")


def signed(signing_key: str = EVENTS_SIGNING_KEY, **claims: object) -> str:
    stated = {name: value for name, value in (GOOD | claims).items() if value is not None}
    return keyring.sign(stated, signing_key)


FORGED = {
    "of another function": signed(aud="orders-complete"),
    "of no function": signed(aud=None),
    "of an empty name": signed(aud=""),
    "of a list of others": signed(aud=["orders-complete", "payments-settle"]),
    "expired": signed(iat=NOW - 700, exp=NOW - 100),
    "without expiry": signed(exp=None),
    "without time of issue": signed(iat=None),
    "not valid yet": signed(nbf=NOW + 86_400),
    "of another key": signed(NEXT_SIGNING_KEY),
    "of the sessions' key": signed(SIGNING_KEY),
    "of no key": jwt.encode(GOOD, "", "none"),
    "of an older release": jwt.encode(GOOD, "the HMAC key of releases up to 0.1, as it is long", "HS256"),
    "a session": User().token(),
    "a session of the right key": User().token(EVENTS_SIGNING_KEY),
    "without signature": signed().rpartition(".")[0] + ".",
    "no token": "hello",
    "empty": "",
}


@pytest.fixture
def replicate(function: Make) -> Function:
    return function(NAME)


def deliver(function: Function, **headers: str) -> tuple[int, object]:
    response = function.deliver(event("ticket.created", "tickets", ticket_state()), further=headers)
    return (204, None) if response.status_code == 204 else said(response)


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_delivery_with_another_signature_is_refused(replicate: Function, orders_store: Store, token: str) -> None:
    assert deliver(replicate, Authorization=f"Bearer {token}") == SIGNED_OUT
    assert deliver(replicate, Authorization="", Cookie=f"session={token}") == SIGNED_OUT
    assert orders_store.dump() == {}


@pytest.mark.parametrize("authorization", ["", "Bearer", signed(), f"Basic {signed()}", f"Bearer {signed()} x"])
def test_a_delivery_without_a_token_is_refused(replicate: Function, orders_store: Store, authorization: str) -> None:
    assert deliver(replicate, Authorization=authorization) == SIGNED_OUT
    assert orders_store.dump() == {}


@pytest.mark.parametrize("elsewhere", ["X-Authorization", "Ce-Authorization", "Proxy-Authorization", "Cookie"])
def test_a_token_elsewhere_does_not_count(replicate: Function, elsewhere: str) -> None:
    assert deliver(replicate, Authorization="", **{elsewhere: f"Bearer {signed()}"}) == SIGNED_OUT


def test_an_event_in_structured_mode_is_refused_as_well(replicate: Function, orders_store: Store) -> None:
    told = json.dumps(event("ticket.created", "tickets", ticket_state()))
    response = replicate.call("POST", headers={"Authorization": ""}, data=told, content_type=CLOUDEVENT)
    assert said(response) == SIGNED_OUT
    assert orders_store.dump() == {}


def test_nothing_is_told_before_the_signature_counts(replicate: Function) -> None:
    response = replicate.call("POST", headers={"Authorization": "Bearer secret"}, data=b"secret" * 20_000)
    assert said(response) == SIGNED_OUT
    assert "secret" not in str(response.headers)


def test_a_delivery_that_the_bridge_signed_is_taken(replicate: Function, orders_store: Store) -> None:
    assert deliver(replicate) == (204, None)
    assert orders_store["tickets"].count_documents({}) == 1


@pytest.mark.parametrize("seconds", [-620, 30])
def test_clocks_may_differ(replicate: Function, seconds: int) -> None:
    issued = int(time.time()) + seconds
    token = signed(iat=issued, exp=issued + 600)
    assert deliver(replicate, Authorization=f"Bearer {token}") == (204, None)


@pytest.mark.slow
def test_what_was_taken_once_is_refused_when_it_expires(replicate: Function) -> None:
    issued = int(time.time()) - 650  # so that it is over in ten seconds, even for a clock that is late
    token = signed(iat=issued, exp=issued + 600)
    assert deliver(replicate, Authorization=f"Bearer {token}") == (204, None)
    eventually(lambda: deliver(replicate, Authorization=f"Bearer {token}") == SIGNED_OUT)


def test_what_was_taken_once_counts_for_one_function_and_its_keys(function: Make) -> None:
    token = signed()
    assert deliver(function(NAME), Authorization=f"Bearer {token}") == (204, None)
    assert deliver(function(NAME, EVENTS_PUBLIC_KEYS=NEXT_PUBLIC_KEY), Authorization=f"Bearer {token}") == SIGNED_OUT
    assert deliver(function("orders-complete"), Authorization=f"Bearer {token}") == SIGNED_OUT


@pytest.mark.parametrize(
    "public_keys",
    [EVENTS_PUBLIC_KEY + NEXT_PUBLIC_KEY, f"{NEXT_PUBLIC_KEY}\n{EVENTS_PUBLIC_KEY}".replace("\n", "\r\n")],
    ids=["old and new", "new and old, with line ends of Windows"],
)
def test_two_keys_are_good_while_one_takes_the_others_place(function: Make, public_keys: str) -> None:
    replicate = function(NAME, EVENTS_PUBLIC_KEYS=public_keys)
    for key in (EVENTS_SIGNING_KEY, NEXT_SIGNING_KEY):
        assert deliver(replicate, Authorization=f"Bearer {signed(key)}") == (204, None)
    for forged in ("of another function", "expired", "of the sessions' key"):
        assert deliver(replicate, Authorization=f"Bearer {FORGED[forged]}") == SIGNED_OUT


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_without_a_key_every_delivery_is_refused(function: Make, orders_store: Store, text: str) -> None:
    replicate = function(NAME, EVENTS_PUBLIC_KEYS=text)
    assert deliver(replicate) == refusal(500, "Something went wrong")
    assert orders_store.dump() == {}


def test_health_needs_no_signature(replicate: Function) -> None:
    assert replicate.call("GET", "/healthz", headers={"Authorization": ""}).status_code == 200


def test_a_signature_is_not_a_session(function: Make) -> None:
    current_user = function("auth-current-user", SESSION_PUBLIC_KEYS=EVENTS_PUBLIC_KEY)
    token = keyring.sign(User().claims | GOOD | {"aud": "auth-current-user"}, EVENTS_SIGNING_KEY)
    response = current_user.call("GET", headers={"Authorization": f"Bearer {token}"})
    assert said(response) == (200, {"currentUser": None})


def test_routes_take_cloudevents_of_anyone(function: Make) -> None:
    told = event("ticket.wanted", "tickets", {"title": "Jazz night", "price": 20})
    assert function("tickets-create").deliver(told, user=User()).status_code == 201
