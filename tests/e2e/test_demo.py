"""The walk-through and the tail, against a stack on servers that exist already."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
import requests

from local import tail
from tests.e2e.person import Person, Visitor
from tests.e2e.stack import ROOT, Stack, running, settings
from tests.events.processes import NatsServer
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.provider import Provider

pytestmark = pytest.mark.slow

RESERVED = ["ticket.created", "order.created", "ticket.updated", "order.cancelled"]
PAID = ["payment.started", "payment.created", "order.completed"]
DECLINED = ["payment.failed"]
REFUNDED = ["order.awaiting-payment", "payment.refund-requested", "payment.refunded"]
EXPIRED = ["expiration.completed"]


@pytest.fixture(scope="module")
def guest(
    nats_url: str, mongo_server: str, provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack on the tests' own servers, where an order expires after 20 seconds, and few may sign in."""
    provider.reset()
    existing = {
        "NATS_URL": nats_url,
        "MONGO_URI": mongo_server,
        "STRIPE_API_BASE": provider.url,
        "STRIPE_KEY": provider.key,
        "STRIPE_WEBHOOK_SECRET": provider.webhook_secret,
    }
    changed = {"EXPIRATION_WINDOW_SECONDS": "20", "SIGNIN_INTERVAL_MILLISECONDS": "10000"}
    with running(tmp_path_factory.mktemp("guest"), None, **existing, **changed) as started:
        yield started


def test_servers_that_exist_are_used_and_left_alone(guest: Stack) -> None:
    assert guest.named("nats-server") == guest.named("secantusd-py") == guest.named("local.stripe_standin") == []
    assert {"nats", "stripe"}.isdisjoint(path.name for path in guest.state.iterdir())
    assert list(guest.state.glob("*mongo")) == []


def test_how_often_one_may_sign_in_is_as_it_was_set(guest: Stack) -> None:
    visitor = Visitor(guest.url)
    tries = [visitor.api("POST", "/users/signin", email="a@example.com", password="x") for _ in range(4)]

    assert [answer.status_code for answer in tries] == [400, 400, 400, 429]


def test_the_demo_shows_the_flow_and_its_events_until_the_order_expires(guest: Stack, provider: Provider) -> None:
    shown = run("local.demo", guest)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Ticket is already reserved" in shown.stdout
    assert missing([*RESERVED, *PAID, *DECLINED, *EXPIRED], shown.stdout) == []
    assert "A late payment is not shown" in shown.stdout
    eventually(lambda: intent_statuses(provider) == {"succeeded", "canceled"})


def test_the_demo_shows_a_late_payment_refunded_if_its_provider_can_be_told_to_be_slow(stack: Stack) -> None:
    shown = run("local.demo", stack)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Your card was declined." in shown.stdout
    assert "Order is already paid" in shown.stdout
    assert "Cannot cancel a paid order" in shown.stdout
    assert missing([*RESERVED, *PAID, *DECLINED, *REFUNDED], shown.stdout) == []
    assert "`EXPIRATION_WINDOW_SECONDS=5 make run`" in shown.stdout
    assert requests.get(f"{stand_in(stack)}/test/behaviour", timeout=30).json()["delay"] == 0


def test_the_demo_ends_quietly_at_ctrl_c(guest: Stack) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local.demo"],
        env=environment(guest),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()

    assert (process.returncode, complaints) == (130, "")


def test_the_tail_shows_events_as_they_pass_until_ctrl_c(guest: Stack) -> None:
    seller, lines = Person(guest.url), list[str]()
    with subprocess.Popen(
        [sys.executable, "-m", "local.tail"], env=environment(guest), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        listener = threading.Thread(target=lines.extend, args=[process.stdout])
        listener.start()
        try:
            eventually(lambda: seller.sell() in "".join(lines))
            order = seller.reserve(seller.sell())
            eventually(lambda: any(order in line and "expiration.completed" in line for line in lines))
            process.send_signal(signal.SIGINT)
            eventually(lambda: process.poll() is not None)
        finally:
            process.kill()
            listener.join()

    assert process.returncode == 0


def test_the_tail_ends_with_its_nats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tail, "RECONNECTS", 2)
    server, log = NatsServer(tmp_path), tail.stream_names()
    server.start()

    async def watch() -> None:
        async with await nats.connect(server.url) as connection:
            await connection.jetstream().add_stream(name=log.log, subjects=[log.events()])
        await asyncio.wait_for(tail.show(server.url, print, ready=server.kill), PATIENCE_SECONDS)

    asyncio.run(watch())


@pytest.mark.parametrize("module", ["local.demo", "local.tail"])
def test_without_a_stack_they_say_how_to_start_one(module: str, tmp_path: Path) -> None:
    nothing = subprocess.run(
        [sys.executable, "-m", module], env=settings(tmp_path, 1), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert nothing.returncode == 1
    assert "make run" in nothing.stderr


def intent_statuses(provider: Provider) -> set[str]:
    return {intent["status"] for intent in provider.ledger()["payment_intents"]}


def missing(events: list[str], shown: str) -> list[str]:
    """Those that were not shown as they passed."""
    return [event for event in events if not re.search(rf"⚡ [\d:]+  {event} ", shown)]


def stand_in(stack: Stack) -> str:
    """The address of its stand-in for Stripe."""
    return str(json.loads((stack.state / "running.json").read_text())["stripe_url"])


def run(module: str, stack: Stack) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module], env=environment(stack), cwd=ROOT, capture_output=True, text=True, check=False
    )


def environment(stack: Stack) -> dict[str, str]:
    return dict(settings(stack.state, stack.port))
