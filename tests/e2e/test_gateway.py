"""The gateway: what it lets through and what it answers itself, always in JSON."""

import json
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local import manifests, servers
from tests.e2e.front import ask, echoing, errors, gateway_before, refusal, say
from tests.e2e.stack import Stack
from tests.eventually import eventually

LIMIT = 64 * 1024
EVENT_FUNCTIONS = [
    found["spec"]["subscriber"]["ref"]["name"] for found in manifests.read() if found["kind"] == "Trigger"
]
EVENT = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/x", "ce-type": "x", "content-type": "application/json"}


def test_an_unknown_route_is_not_found(stack: Stack) -> None:
    for path in (
        "/api/nothing",
        "/api/",
        "/api/tickets//",
        "/api/tickets/a/b",
        "/api/ticketsx",
    ):
        assert ask(stack.port, "GET", path) == refusal(404, "Not Found")


def test_an_unknown_method_of_a_route_is_not_found(stack: Stack) -> None:
    for target in (
        "PUT /api/tickets",
        "GET /api/users/signup",
        "PATCH /api/orders/1",
        "OPTIONS /api/orders",
        "GET /api/payments",
        "GET /api/payments/webhook",
        "DELETE /api/payments",
    ):
        method, path = target.split()
        assert ask(stack.port, method, path) == refusal(404, "Not Found")


def test_an_id_is_one_segment_of_the_path(stack: Stack) -> None:
    for path in ("/api/tickets/a%2Fb", "/api/tickets/a%5Cb", "/api/orders/..%2Ftickets%2Fa%2Fb", "/api/tickets/a%0Ab"):
        assert ask(stack.port, "GET", path) == refusal(404, "Not Found")


def test_a_path_that_is_none_is_refused(stack: Stack) -> None:
    assert ask(stack.port, "GET", "/api/tickets/a%00b") == refusal(400, "Bad Request")


def test_head_is_answered_like_get(stack: Stack) -> None:
    answer = requests.head(f"{stack.url}/api/tickets", timeout=30)

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "application/json", b"")


def test_payments_and_webhooks_come_to_their_functions(stack: Stack) -> None:
    payment = requests.post(f"{stack.url}/api/payments", json={}, timeout=30)
    webhook = requests.post(f"{stack.url}/api/payments/webhook", json={}, timeout=30)

    assert (payment.status_code, payment.json()) == (401, errors("Not authorized"))
    assert (webhook.status_code, webhook.json()) == (400, errors("Invalid signature"))
    eventually(lambda: stack.said("payments-create", "POST /api/payments 401"))
    eventually(lambda: stack.said("payments-webhook", "POST /api/payments/webhook 400"))


@pytest.mark.parametrize("function", EVENT_FUNCTIONS)
def test_event_functions_cannot_be_reached(stack: Stack, function: str) -> None:
    host = f"{function}.{manifests.namespace()}.svc.cluster.local"
    for path in ("/", f"/{function}", f"/api/{function}", f"/{function.replace('-', '/')}"):
        answer = requests.post(f"{stack.url}{path}", json={}, headers={"Host": host, **EVENT}, timeout=30)
        assert (answer.status_code, answer.json()) == (404, errors("Not Found"))


@pytest.mark.parametrize("function", EVENT_FUNCTIONS)
def test_nor_does_one_take_what_the_bridge_did_not_sign(stack: Stack, function: str) -> None:
    """From inside, where nothing else stands before it."""
    url = f"http://{servers.HOST}:{stack.process_of(function).environ()['PORT']}/"
    who = {"email": f"{secrets.token_hex(4)}@example.com", "password": "open sesame"}
    session = requests.post(f"{stack.url}/api/users/signup", json=who, timeout=30).cookies["session"]
    for further in ({}, {"Authorization": f"Bearer {session}"}, {"Cookie": f"session={session}"}):
        answer = requests.post(url, json={}, headers=EVENT | further, timeout=30)
        assert (answer.status_code, answer.json()) == (401, errors("Not authorized"))


@pytest.mark.parametrize("path", ["/api/users/signup", "/api/payments", "/api/payments/webhook"])
def test_a_body_over_the_limit_is_refused(in_front: str, path: str) -> None:
    url = f"{in_front}{path}"
    whole = requests.post(url, data=b"a" * (LIMIT + 1), timeout=30)
    in_chunks = requests.post(url, data=iter([b"a" * LIMIT, b"a"]), timeout=30)

    for answer in (whole, in_chunks):
        assert (answer.status_code, answer.json()) == (413, errors("Payload Too Large"))


def test_headers_over_the_limit_are_refused(stack: Stack) -> None:
    url = f"{stack.url}/api/tickets"
    large = requests.get(url, headers={"x-large": "a" * 9000}, timeout=30)
    many = requests.get(url, headers={f"x-{number}": "" for number in range(90)}, timeout=30)

    for answer in (large, many):
        assert (answer.status_code, answer.json()) == (431, errors("Request Header Fields Too Large"))


def test_what_is_no_http_is_refused(stack: Stack) -> None:
    assert say(stack.port, "GARBAGE\r\n\r\n") == refusal(400, "Bad Request")


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    """A server in the place of every function: it answers with the headers that it got."""
    port = servers.free_port()
    with echoing(port):
        yield port


@pytest.fixture(scope="module")
def in_front(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway alone, before the `upstream`."""
    with gateway_before(upstream, tmp_path_factory.mktemp("gateway")) as url:
        yield url


def test_a_function_that_is_down_is_service_unavailable(tmp_path: Path) -> None:
    with gateway_before(servers.free_port(), tmp_path) as url:
        answer = requests.get(f"{url}/api/tickets", timeout=60)

    assert (answer.status_code, answer.json()) == (503, errors("Service Unavailable"))


def test_a_function_that_is_down_for_a_moment_is_waited_for_by_all(tmp_path: Path) -> None:
    port, many = servers.free_port(), 20
    with gateway_before(port, tmp_path) as url, ThreadPoolExecutor(many) as pool:
        asked = [pool.submit(requests.get, f"{url}/api/tickets", timeout=60) for _ in range(many)]
        time.sleep(0.1)  # were it not enough for the requests to set out, the test would only prove less
        with echoing(port):
            assert [answer.result().status_code for answer in asked] == [200] * many


def test_one_slow_function_keeps_no_client_from_asking() -> None:
    [config] = manifests.parse(manifests.ENVOY.read_text())
    [functions] = config["static_resources"]["clusters"]
    [monitor, *_] = config["overload_manager"]["resource_monitors"]
    [bounds] = functions["circuit_breakers"]["thresholds"]
    names = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    assert bounds == dict.fromkeys(names, monitor["typed_config"]["max_active_downstream_connections"])


def test_what_is_refused_stands_in_the_log(tmp_path: Path) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with gateway_before(servers.free_port(), tmp_path) as url:
        # What the client wrote itself comes first, its address next, and Knative's own proxy last.
        headers = {"traceparent": trace, "x-forwarded-for": "198.51.100.1, 203.0.113.7, 10.1.2.3"}
        answer = requests.get(f"{url}/api/nothing?secret=1", headers=headers, timeout=30)
        requests.get(f"{url}/healthz", timeout=30)
        eventually(lambda: (tmp_path / "log").stat().st_size > 0)
    [line] = (tmp_path / "log").read_text().splitlines()
    told = json.loads(line)
    assert told.pop("milliseconds") >= 0
    assert told == {
        "severity": "INFO",
        "component": "gateway",
        "message": "GET /api/nothing",
        "status": 404,
        "flags": "NC",
        "client": "203.0.113.7",
        "request": answer.headers["x-request-id"],
        "traceparent": trace,
    }


def test_a_function_learns_who_asks_and_within_which_trace(in_front: str) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"traceparent": trace, "x-request-id": "forged", "x_forwarded_for": "1.2.3.4"}
    headers |= {"x-forwarded-for": "198.51.100.1, 203.0.113.7, 10.1.2.3", "x-client-address": "198.51.100.2"}
    answer = requests.get(f"{in_front}/api/tickets", headers=headers, timeout=30)
    seen = dict(line.lower().split(": ", 1) for line in answer.text.splitlines())

    assert seen["traceparent"] == trace
    assert seen["x-forwarded-proto"] == "http"
    assert "x-forwarded-for" in seen
    assert seen["x-request-id"] == answer.headers["x-request-id"] != "forged"
    assert "x_forwarded_for" not in seen
    assert seen["x-client-address"] == "203.0.113.7"


def test_wrong_passwords_are_limited_though_a_client_names_other_addresses(stack: Stack) -> None:
    who = {"email": f"{secrets.token_hex(4)}@example.com", "password": "open sesame"}
    owner = requests.post(f"{stack.url}/api/users/signup", json=who, timeout=30)
    signin, wrong = f"{stack.url}/api/users/signin", who | {"password": "wrong horse"}
    tries = [
        requests.post(signin, json=wrong, headers={"x-client-address": f"203.0.113.{number}"}, timeout=30)
        for number in range(20)
    ]
    paused = [answer for answer in tries if answer.status_code == 429]

    assert [answer.status_code for answer in tries[:5]] == [400] * 5
    assert {(answer.status_code, str(answer.json())) for answer in tries[5:]} <= {
        (400, str(errors("Invalid credentials"))),  # after a pause, on a slow machine
        (429, str(errors("Too Many Requests"))),
    }
    assert paused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in paused)
    session = requests.get(f"{stack.url}/api/users/currentuser", cookies=owner.cookies, timeout=30).json()
    assert session["currentUser"]["email"] == who["email"]
    logged = {"process": "auth-signin", "status": 429, "client": "127.0.0.1"}
    eventually(lambda: any(logged.items() <= line.items() for line in stack.lines))


def test_a_client_steers_neither_retries_nor_timeouts(in_front: str) -> None:
    steering = ("x-envoy-retry-on", "x-envoy-max-retries", "x-envoy-upstream-rq-timeout-ms", "x-envoy-original-path")
    answer = requests.get(f"{in_front}/api/tickets", headers=dict.fromkeys(steering, "5"), timeout=30)

    assert [line for line in answer.text.lower().splitlines() if line.startswith("x-envoy")] == []


def test_no_client_passes_for_a_probe_of_knative(in_front: str) -> None:
    posing = {"k-kubelet-probe": "1", "k-network-probe": "probe", "user-agent": "kube-probe/1.36"}
    answer = requests.get(f"{in_front}/api/tickets", headers=posing, timeout=30)

    assert [line for line in answer.text.lower().splitlines() if line.startswith(("k-", "user-agent"))] == []


def test_headers_that_contradict_each_other_about_tls_do_not_matter(stack: Stack) -> None:
    headers = {"x-forwarded-proto": "http", "x-forwarded-protocol": "ssl", "x-forwarded-ssl": "on"}
    answer = requests.get(f"{stack.url}/api/users/currentuser", headers=headers, timeout=30)

    assert (answer.status_code, answer.json()) == (200, {"currentUser": None})


def test_a_path_means_the_same_behind_the_gateway(in_front: str) -> None:
    port = int(in_front.rpartition(":")[2])

    assert "x-path: /api/tickets/1" in ask(port, "GET", "/api/orders/../tickets/1")[2]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/api/tickets/", "/api/tickets"),
        ("/api/tickets/?limit=1&a=/b/", "/api/tickets?limit=1&a=/b/"),
        ("/api/orders/0123456789abcdef01234567/", "/api/orders/0123456789abcdef01234567"),
    ],
)
def test_a_slash_at_a_paths_end_means_nothing(in_front: str, sent: str, seen: str) -> None:
    assert requests.get(in_front + sent, timeout=30).text.splitlines()[-1] == f"x-path: {seen}"


@pytest.mark.parametrize(("path", "seconds"), [("/api/orders", 15), ("/api/payments", 29)])
def test_a_function_is_told_until_when_the_gateway_waits(in_front: str, path: str, seconds: int) -> None:
    before = time.time()
    answer = requests.post(in_front + path, headers={"x-request-deadline": "1"}, timeout=30)
    after = time.time()
    [deadline] = [line.split()[1] for line in answer.text.splitlines() if line.startswith("x-request-deadline")]
    assert before - 0.001 <= float(deadline) - seconds <= after
