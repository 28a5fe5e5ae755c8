"""The walk-through and the tail, against a stack on servers that exist already."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.person import Person, Visitor
from tests.e2e.stack import ROOT, Stack, running, settings
from tests.eventually import eventually

FLOW = ["ticket.created", "order.created", "ticket.updated", "order.cancelled", "expiration.completed"]


@pytest.fixture(scope="module")
def guest(nats_url: str, mongo_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack on the tests' own servers, where an order expires after 2 seconds, and few may sign in."""
    state = tmp_path_factory.mktemp("guest")
    existing = {"NATS_URL": nats_url, "MONGO_URI": mongo_server}
    with running(
        state, None, **existing, EXPIRATION_WINDOW_SECONDS="2", SIGNIN_INTERVAL_MILLISECONDS="20000"
    ) as started:
        yield started


def test_servers_that_exist_are_used_and_left_alone(guest: Stack) -> None:
    assert guest.named("nats-server") == []
    assert not (guest.state / "mongo").exists()


def test_how_often_one_may_sign_in_is_as_it_was_set(guest: Stack) -> None:
    visitor = Visitor(guest.url)
    tries = [visitor.api("POST", "/users/signin", email="a@example.com", password="x") for _ in range(4)]

    assert [answer.status_code for answer in tries] == [400, 400, 400, 429]


def test_the_demo_shows_the_flow_and_its_events_until_the_order_expires(guest: Stack) -> None:
    shown = run("local.demo", guest)

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "Ticket is already reserved" in shown.stdout
    assert "expired" in shown.stdout
    assert [event for event in FLOW if event not in shown.stdout] == []


def test_the_tail_shows_events_as_they_pass_until_ctrl_c(guest: Stack) -> None:
    seller, lines = Person(guest.url), list[str]()
    with subprocess.Popen(
        [sys.executable, "-m", "local.tail"], env=environment(guest), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as tail:
        assert tail.stdout
        listener = threading.Thread(target=lines.extend, args=[tail.stdout])
        listener.start()
        eventually(lambda: seller.sell() in "".join(lines))
        order = seller.reserve(seller.sell())
        eventually(lambda: any(order in line and "expiration.completed" in line for line in lines))
        tail.send_signal(signal.SIGINT)
        listener.join()

    assert tail.returncode == 0


@pytest.mark.parametrize("module", ["local.demo", "local.tail"])
def test_without_a_stack_they_say_how_to_start_one(module: str, tmp_path: Path) -> None:
    nothing = subprocess.run(
        [sys.executable, "-m", module], env=settings(tmp_path, 1), cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert nothing.returncode == 1
    assert "make run" in nothing.stderr


def run(module: str, stack: Stack) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", module], env=environment(stack), cwd=ROOT, capture_output=True, text=True, check=False
    )


def environment(stack: Stack) -> dict[str, str]:
    return dict(settings(stack.state, stack.port))
