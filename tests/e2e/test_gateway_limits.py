"""The gateway's limits: how often, how long and how much, always refused in JSON."""

import itertools
import resource
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from functions.shared.web.cookie import NAME, SECURE_NAME
from local import servers
from tests.e2e.front import Manager, echoing, errors, gateway_before, hasty, refusal, say
from tests.eventually import eventually

CONNECTIONS = 4096  # of all clients together
HALF_A_MINUTE = 30_000  # milliseconds, what a client can save up
UNHURRIED = HALF_A_MINUTE // 3  # so that three requests are allowed, and a fourth only after 10 s
SIGNUP, SIGNIN = "/api/users/signup", "/api/users/signin"
ORDERS, PAYMENTS = "/api/orders", "/api/payments"
LIMITS = ("SIGNUP", "SIGNIN", "ORDER", "PAYMENT")
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    port = servers.free_port()
    with echoing(port):
        yield port


@pytest.fixture(scope="module")
def strict(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield a gateway that allows three requests of each kind: a client's sign-ups and sign-ins, a session's purchases.

    Each test is another client, and another session.
    """
    limits = {f"{name}_INTERVAL_MILLISECONDS": str(UNHURRIED) for name in LIMITS}
    with gateway_before(upstream, tmp_path_factory.mktemp("strict"), environment=limits) as url:
        yield url


@pytest.fixture
def client() -> str:
    """Return the address of a client that has not asked for anything yet."""
    number = next(NUMBERS)
    return f"203.0.{number // 256}.{number % 256}"


@pytest.fixture
def token() -> str:
    """Return the token of a session that has not asked for anything yet."""
    return f"token-{next(NUMBERS)}"


def post(url: str, client: str) -> requests.Response:
    """Return the answer to a client, whose address the ingress in front has noted."""
    return requests.post(url, json={}, headers={"x-forwarded-for": client}, timeout=30)


def statuses(url: str, *clients: str) -> list[int]:
    return [post(url, client).status_code for client in clients]


@pytest.mark.parametrize("path", [SIGNUP, SIGNIN])
def test_a_client_that_asks_too_often_is_told_so(strict: str, client: str, path: str) -> None:
    allowed = [post(strict + path, client).status_code for _ in range(3)]
    refused = post(strict + path, client)

    assert allowed == [200, 200, 200]
    assert (refused.status_code, refused.json()) == (429, errors("Too Many Requests"))
    assert refused.headers["content-type"] == "application/json"
    assert refused.headers["retry-after"] == "1"


def test_signup_and_signin_are_counted_apart_and_the_rest_not_at_all(strict: str, client: str) -> None:
    assert statuses(strict + SIGNUP, *[client] * 4) == [200, 200, 200, 429]
    assert statuses(strict + SIGNIN, *[client] * 4) == [200, 200, 200, 429]
    assert statuses(strict + "/api/users/signout", *[client] * 10) == [200] * 10
    assert statuses(strict + "/api/tickets", *[client] * 10) == [200] * 10


def test_each_client_has_its_own_limit(upstream: int, tmp_path: Path) -> None:
    """More of them than the 20 that Envoy would remember by default. Each may ask once in half a minute."""
    crowd = [f"198.51.100.{number}" for number in range(1, 41)]

    with (
        gateway_before(upstream, tmp_path, environment={"SIGNUP_INTERVAL_MILLISECONDS": str(HALF_A_MINUTE)}) as url,
        ThreadPoolExecutor(8) as pool,  # done long before a client may ask again
    ):
        answers = Counter(pool.map(lambda client: post(url + SIGNUP, client).status_code, crowd * 2))

    assert answers == {200: 40, 429: 40}


def test_all_of_one_ipv6_network_are_one_client(strict: str) -> None:
    neighbours = [f"2001:db8::{number}" for number in range(4)]

    assert statuses(strict + SIGNUP, *neighbours) == [200, 200, 200, 429]
    assert statuses(strict + SIGNUP, "2001:db8:0:1::") == [200]


def test_a_client_is_the_last_address_that_is_none_of_the_clusters(strict: str, client: str) -> None:
    forged = [f"198.51.100.{number}, {client}" for number in range(3)]
    through_more_proxies = f"{client}, 10.1.2.3, 192.168.0.1, 172.20.0.1, 100.64.5.6, fd00::1"

    assert statuses(strict + SIGNUP, *forged, through_more_proxies) == [200, 200, 200, 429]


def test_what_is_no_address_is_not_another_client(strict: str) -> None:
    assert statuses(strict + SIGNUP, *(f"nonsense{number}" for number in range(4))) == [200, 200, 200, 429]


def purchases(url: str, *sessions: dict[str, str]) -> list[int]:
    return [requests.post(url, json={}, headers=session, timeout=30).status_code for session in sessions]


@pytest.mark.parametrize("path", [ORDERS, PAYMENTS])
@pytest.mark.parametrize(
    ("session", "another"),
    [
        ({"Authorization": "Bearer {mine}"}, {"Authorization": "Bearer {mine}-not"}),
        ({"Cookie": f"a=b; {SECURE_NAME}={{mine}}; c=d"}, {"Cookie": f"{SECURE_NAME}={{mine}}-not"}),
        ({"Cookie": f"a=b; {NAME}={{mine}}; c=d"}, {"Cookie": f"{NAME}={{mine}}-not"}),
    ],
)
def test_each_session_has_its_own_limit(
    strict: str, token: str, path: str, session: dict[str, str], another: dict[str, str]
) -> None:
    headers = [carrying(token, one) for one in [*[session] * 4, another]]
    assert purchases(strict + path, *headers) == [200, 200, 200, 429, 200]


def carrying(token: str, headers: dict[str, str]) -> dict[str, str]:
    """Return headers with a session's token in the place of `{mine}`."""
    return {name: value.format(mine=token) for name, value in headers.items()}


def test_orders_and_payments_are_counted_apart(strict: str, token: str) -> None:
    session = {"Authorization": f"Bearer {token}"}
    assert purchases(strict + ORDERS, *[session] * 4) == [200, 200, 200, 429]
    assert purchases(strict + PAYMENTS, *[session] * 4) == [200, 200, 200, 429]


@pytest.mark.parametrize(
    "disguises",
    [
        [{"Authorization": f"Bearer {{mine}}{' ' * number}"} for number in range(4)],
        [{"Authorization": f"{scheme} {{mine}}"} for scheme in ("bearer", "Bearer ", "BEARER", "bEARER")],
        [{"Authorization": f"Basic {number}", "Cookie": f"{SECURE_NAME}={{mine}}"} for number in range(4)],
        [{"Authorization": "Bearer {mine}", "Cookie": f"{SECURE_NAME}={number}"} for number in range(4)],
        [{"Cookie": f"{SECURE_NAME}={{mine}}; {NAME}={number}"} for number in range(4)],
        [{"Cookie": f"{SECURE_NAME}={{mine}}; other={number}"} for number in range(4)],
    ],
    ids=["spaces", "scheme", "another scheme", "another cookie's token", "an older cookie", "another cookie"],
)
def test_one_session_in_disguise_is_one_session(strict: str, token: str, disguises: list[dict[str, str]]) -> None:
    headers = [carrying(token, disguise) for disguise in disguises]
    assert purchases(strict + ORDERS, *headers) == [200, 200, 200, 429]


def test_requests_without_a_session_are_left_to_the_function(strict: str) -> None:
    assert purchases(strict + ORDERS, *[{}] * 10) == [200] * 10


def test_after_a_while_a_client_may_ask_again(upstream: int, client: str, tmp_path: Path) -> None:
    with gateway_before(upstream, tmp_path, environment={"SIGNUP_INTERVAL_MILLISECONDS": "5000"}) as url:
        assert 429 in statuses(url + SIGNUP, *[client] * 20)
        eventually(lambda: post(url + SIGNUP, client).status_code == 200)


@pytest.fixture
def impatient(upstream: int, tmp_path: Path) -> Iterator[int]:
    """The port of a gateway that waits for 0.3 s."""
    with gateway_before(upstream, tmp_path, hasty) as url:
        yield int(url.rpartition(":")[2])


@pytest.mark.parametrize(
    "begun",
    [
        "GET /api/tickets HTTP/1.1\r\nHost: x\r\n",
        "POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
        "POST /api/orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ],
    ids=["headers", "body", "chunks"],
)
def test_a_request_that_does_not_end_is_timed_out(impatient: int, begun: str) -> None:
    assert say(impatient, begun) == refusal(408, "Request Timeout")


def test_a_function_that_does_not_answer_is_timed_out(tmp_path: Path) -> None:
    with (
        socket.create_server((servers.HOST, 0)) as silent,
        gateway_before(silent.getsockname()[1], tmp_path, hasty) as url,
    ):
        answer = requests.get(f"{url}/api/tickets", timeout=30)

    assert (answer.status_code, answer.json()) == (504, errors("Gateway Timeout"))


def test_a_client_that_holds_every_connection_does_not_keep_others_out(upstream: int, tmp_path: Path) -> None:
    def patient(manager: Manager) -> None:
        manager["common_http_protocol_options"]["idle_timeout"] = "3600s"

    with gateway_before(upstream, tmp_path, patient) as url, ExitStack() as held:
        address = (servers.HOST, int(url.rpartition(":")[2]))
        raise_file_limit(CONNECTIONS + 1024)
        for _ in range(CONNECTIONS):
            held.enter_context(socket.create_connection(address, timeout=30))

        eventually(lambda: answers(f"{url}/healthz"))


def raise_file_limit(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != hard < wanted:
        pytest.skip(f"needs {wanted} open files, and {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False
