"""The one-machine stack's own life: what dies, what stays, what it refuses."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest
import requests

from local import servers
from tests.e2e.person import Person
from tests.e2e.stack import COMMAND, ROOT, Stack, alive, processes_under, running, settings
from tests.eventually import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.slow


def test_a_process_that_dies_is_started_again_and_said_so(stack: Stack) -> None:
    killed = stack.process_of("tickets-list")
    workers = killed.children()
    killed.kill()

    eventually(lambda: stack.said("tickets-list", "ended by SIGKILL; starting it again"))
    eventually(lambda: len(stack.named("tickets-list")) == 1)
    eventually(lambda: requests.get(f"{stack.url}/api/tickets", timeout=30).status_code == 200)
    assert alive(workers) == []


@pytest.mark.parametrize("name", ["nats-server", "bridge", "tickets-relay", "envoy"])
def test_the_order_flow_goes_on_after_a_relay_or_bridge_died(stack: Stack, name: str) -> None:
    seller, buyer = Person(stack.url), Person(stack.url)
    killed = stack.process_of(name)
    killed.kill()
    eventually(lambda: killed not in stack.named(name) and len(stack.named(name)) == 1)
    eventually(lambda: _answers(f"{stack.url}/healthz"))

    ticket = seller.sell()
    eventually(lambda: buyer.api("POST", "/orders", ticketId=ticket).status_code == 201)

    eventually(lambda: ticket not in seller.on_sale())


def test_logs_are_json_with_the_name_of_the_process(stack: Stack) -> None:
    requests.get(f"{stack.url}/api/tickets", timeout=30)

    eventually(lambda: stack.said("tickets-list", "GET /api/tickets 200"))


def test_no_other_machine_can_reach_it(stack: Stack) -> None:
    sockets = [socket for process in stack.descendants() for socket in process.net_connections("inet")]

    assert {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN} == {servers.HOST}


def test_a_terminated_stack_leaves_no_process_and_finds_its_state_again(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        person = Person(first.url)
        ticket = person.sell()
        port, started = first.port, first.descendants()
        assert len(started) > 20
    assert first.process.returncode == 0
    assert alive(started) == []

    with running(tmp_path, port):
        assert ticket in person.on_sale()
        assert person.api("GET", "/users/currentuser").json()["currentUser"] is not None
    assert _secret(tmp_path).stat().st_mode & 0o777 == 0o600


def test_a_killed_stack_leaves_no_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    eventually(lambda: stack.said("auth-signup", "ready"))
    started = stack.descendants()

    stack.process.kill()
    stack.await_end()

    eventually(lambda: not alive(started))
    eventually(lambda: processes_under(tmp_path) == [])


def test_a_stack_can_be_stopped_while_it_starts(tmp_path: Path) -> None:
    stack = Stack(tmp_path)
    eventually(lambda: stack.said("nats", "ready"))
    eventually(lambda: len(stack.descendants()) > 1)

    stack.stop()

    eventually(lambda: processes_under(tmp_path) == [])


def test_a_stack_that_nohup_started_goes_on_after_a_hangup(tmp_path: Path) -> None:
    usual = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does, for what it starts
    stack = Stack(tmp_path)
    signal.signal(signal.SIGHUP, usual)
    eventually(lambda: stack.said("nats", "ready"))

    stack.process.send_signal(signal.SIGHUP)

    eventually(lambda: stack.said("auth-signup", "ready") or stack.process.poll() is not None)
    stack.stop()
    assert stack.said("auth-signup", "ready")


def test_a_second_stack_in_the_same_folder_is_refused(stack: Stack) -> None:
    assert "another stack runs already" in _refused(stack.state, servers.free_port())


def test_a_port_that_is_taken_is_refused(stack: Stack, tmp_path: Path) -> None:
    assert f"port {stack.port} cannot be used (Address already in use)" in _refused(tmp_path, stack.port)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "http", "PORT must be a port from 1 to 65535, and is 'http'"),
        ("PORT", "99999", "and is '99999'"),
        ("EXPIRATION_WINDOW_SECONDS", "soon", "EXPIRATION_WINDOW_SECONDS must be a whole number of seconds"),
        ("EXPIRATION_WINDOW_SECONDS", "0", "and is '0'"),
        ("SIGNUP_INTERVAL_MILLISECONDS", "0", "SIGNUP_INTERVAL_MILLISECONDS must be"),
        ("SIGNIN_INTERVAL_MILLISECONDS", "30001", "a whole number of milliseconds from 1 to 30000"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, name: str, value: str, complaint: str) -> None:
    assert complaint in _refused(tmp_path, servers.free_port(), **{name: value})


@pytest.mark.parametrize("missing", ["STRIPE_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_stripe_itself_is_not_asked_with_a_secret_that_is_made_up(tmp_path: Path, missing: str) -> None:
    secrets = {name: "given" for name in ("STRIPE_KEY", "STRIPE_WEBHOOK_SECRET") if name != missing}
    refusal = _refused(tmp_path, servers.free_port(), STRIPE_API_BASE="https://api.stripe.com", **secrets)

    assert f"{missing} must be set too when STRIPE_API_BASE is" in refusal


@pytest.mark.parametrize("nowhere", ["nats://127.0.0.1:{closed}", "{real},{real}", "nats://127.0.0.1:none"])
def test_a_server_that_is_not_there_is_named(tmp_path: Path, nats_url: str, nowhere: str) -> None:
    url = nowhere.format(closed=servers.free_port(), real=nats_url)

    assert "no NATS server answers at NATS_URL" in _refused(tmp_path, servers.free_port(), NATS_URL=url)
    eventually(lambda: processes_under(tmp_path) == [])


def test_resetting_forgets_the_state_that_is_used(tmp_path: Path) -> None:
    state = tmp_path / "the state"
    (state / "nats").mkdir(parents=True)
    (state / "lock").touch()  # as every stack does

    assert _reset(state).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_resetting_leaves_a_folder_alone_that_no_stack_ever_had(tmp_path: Path) -> None:
    (tmp_path / "thesis").touch()
    refused = _reset(tmp_path)

    assert refused.returncode != 0
    assert "was never used by a stack" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def _reset(state: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["make", "reset"], cwd=ROOT, env=settings(state, 1), capture_output=True, text=True, check=False
    )


def _refused(state: Path, port: int, **environment: str) -> str:
    """What a stack says that does not start."""
    ended = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=settings(state, port, **environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert ended.returncode == 1
    return ended.stdout


def _secret(state: Path) -> Path:
    return state / "secrets" / "session-signing-key" / "SESSION_SIGNING_KEY"


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
