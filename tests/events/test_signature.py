"""The bridge signs what it delivers to functions of its own namespace, and to no others."""

import json
import os
import subprocess
import sys
import time

import jwt
import pytest

from events.broker.model import Destination
from events.cloudevents.messages import read_row
from events.dispatcher.signature import LIFETIME, Signer, signer
from events.dispatcher.subscriber import DeliveryError, Subscribers
from events.keyring import KeyTextError
from local import keys
from tests.events.harness import Answer, Sink, event
from tests.events.loop import Loop

KEY = keys.generate("EVENTS_SIGNING_KEY")
DOMAIN = "ticketing.svc.cluster.local"
FUNCTION = Destination("orders-complete", f"http://orders-complete.{DOMAIN}/")


def claims(authorization: str | None) -> dict[str, object]:
    scheme, _, token = str(authorization).partition(" ")
    assert scheme == "Bearer"
    return jwt.decode(token, keys.public_key(KEY), ["EdDSA"], {"verify_iat": False}, audience=FUNCTION.name)


def lifetime(authorization: str | None) -> tuple[int, int]:
    """When it was issued, and when it expires."""
    told = claims(authorization)
    return int(str(told["iat"])), int(str(told["exp"]))


async def deliver(sink: Sink, to: Destination, signer: Signer | None) -> None:
    async with Subscribers({f"orders-complete.{DOMAIN}": sink.url.split("/")[2]}, signer) as subscribers:
        await subscribers.deliver(read_row(event()), to, 30)


def test_a_delivery_is_signed_for_the_function_that_gets_it(loop: Loop, sink: Sink) -> None:
    loop.run(deliver(sink, FUNCTION, Signer(KEY, DOMAIN)))

    [request] = sink.requests
    issued, expires = lifetime(request.headers["authorization"])
    assert expires - issued == LIFETIME <= 600
    assert request.headers["host"] == f"orders-complete.{DOMAIN}"


@pytest.mark.parametrize(
    "to",
    [
        Destination("orders-complete", "http://orders-complete.ticketing.evil.example/"),
        Destination("orders-complete", f"http://orders-complete.{DOMAIN}.evil.example/"),
        Destination("orders-complete", "http://orders-complete.evil.svc.cluster.local/"),
        Destination("orders-complete", f"http://orders-complete.{DOMAIN}@evil.example/"),
        Destination("orders-complete", f"http://evil.example/orders-complete.{DOMAIN}"),
        Destination("orders-expire", f"http://orders-complete.{DOMAIN}/"),
        # As it is named if a Trigger of another namespace sends there, or gives an address instead of a reference.
        Destination(f"http://orders-complete.{DOMAIN}/", f"http://orders-complete.{DOMAIN}/"),
        Destination(f"orders-complete.{DOMAIN}", f"http://orders-complete.{DOMAIN}/"),
    ],
    ids=lambda to: f"{to.name} {to.url}",
)
def test_no_other_destination_gets_a_signature(to: Destination) -> None:
    assert Signer(KEY, DOMAIN).authorization(to) is None


def test_a_signature_is_made_again_in_half_of_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    signs, now = Signer(KEY, DOMAIN), time.time()
    first = signs.authorization(FUNCTION)
    assert signs.authorization(FUNCTION) is first
    monkeypatch.setattr(time, "time", lambda: now + LIFETIME / 2 + 1)
    second = signs.authorization(FUNCTION)
    monkeypatch.undo()
    assert lifetime(second)[0] > lifetime(first)[0] + LIFETIME / 2 - 1


def test_a_signature_is_made_again_if_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be of the future until the clock is there again."""
    signs, now = Signer(KEY, DOMAIN), time.time()
    first = signs.authorization(FUNCTION)
    monkeypatch.setattr(time, "time", lambda: now - 100)
    second = signs.authorization(FUNCTION)
    monkeypatch.undo()
    assert lifetime(second)[0] < lifetime(first)[0]


def test_the_key_of_the_variable_signs() -> None:
    signs = signer({"EVENTS_SIGNING_KEY": KEY, "EVENTS_DOMAIN": DOMAIN})
    assert signs
    claims(signs.authorization(FUNCTION))


def test_without_the_variable_nothing_is_signed(loop: Loop, sink: Sink) -> None:
    loop.run(deliver(sink, FUNCTION, signer({"EVENTS_DOMAIN": DOMAIN})))
    assert "authorization" not in sink.requests[0].headers


@pytest.mark.parametrize("text", ["", keys.public_key(KEY)], ids=["empty", "public"])
def test_a_variable_without_a_signing_key_is_a_mistake(text: str) -> None:
    with pytest.raises(KeyTextError):
        signer({"EVENTS_SIGNING_KEY": text, "EVENTS_DOMAIN": DOMAIN})


@pytest.mark.slow
def test_a_bridge_with_a_key_that_it_cannot_use_says_so_and_ends() -> None:
    environment = os.environ | {"EVENTS_SIGNING_KEY": keys.public_key(KEY), "EVENTS_DOMAIN": DOMAIN}
    command = [sys.executable, "-m", "events.bridge"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    [line] = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (1, "")
    reason = "its PEM says PUBLIC KEY and should say PRIVATE KEY"
    assert json.loads(line)["message"] == f"EVENTS_SIGNING_KEY cannot be used: {reason}; the process ends"


@pytest.mark.parametrize("signs", [Signer(KEY, DOMAIN), None])
def test_an_event_is_delivered_again_if_the_signature_was_refused_and_not_the_event(
    loop: Loop, sink: Sink, signs: Signer | None
) -> None:
    sink.answer = lambda _: Answer(401)
    with pytest.raises(DeliveryError) as refused:
        loop.run(deliver(sink, FUNCTION, signs))
    assert refused.value.retried is (signs is not None)
