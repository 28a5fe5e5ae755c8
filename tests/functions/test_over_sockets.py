"""One function as the process that Knative starts, over a real socket: what a test client cannot send."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import manifests, servers
from tests.functions.harness import PUBLIC_KEY, Store, User, declared

START_SECONDS = 120
COMMAND = [str(servers.WHEEL_BINARIES / "functions-framework")]
LIMIT = 64 * 1024
TICKET = json.dumps({"title": "Jazz night", "price": 20}).encode()
TOO_LARGE = (413, {"errors": [{"message": "Payload Too Large"}]})
Answer = tuple[int, object]


@pytest.fixture(scope="module")
def port(stores: dict[str, Store]) -> Iterator[int]:
    """Yield where tickets-create listens."""
    with served(declared()["tickets-create"] | {"MONGO_URI": stores["tickets"].uri}) as port:
        yield port


@contextmanager
def served(environment: Mapping[str, str], output: int | None = subprocess.DEVNULL) -> Iterator[int]:
    """Yield where a function with this environment listens; its lines go to `output`, to the test's own if None."""
    free = servers.free_port()
    with subprocess.Popen(COMMAND, env={**environment, **here(free)}, cwd=manifests.ROOT, stdout=output) as server:
        try:
            _await_health(server, free)
            yield free
        finally:
            server.terminate()


def here(port: int) -> dict[str, str]:
    """What this machine gives to a function that listens there."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(manifests.ROOT), "HOST": servers.HOST, "PORT": str(port)}


def _await_health(server: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(servers.HOST, port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/healthz")
            assert connection.getresponse().read() == b"ok"
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
        finally:
            connection.close()
    pytest.fail("the function did not start")


@pytest.fixture
def connection(port: int, tickets_store: Store) -> Iterator[http.client.HTTPConnection]:
    tickets_store.clear()
    opened = http.client.HTTPConnection(servers.HOST, port, timeout=START_SECONDS)
    yield opened
    opened.close()


def headers(**more: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"Bearer {User().token()}"} | more


def answer(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, 1000):
        yield b" " * min(1000, size - start)


def send_in_chunks(connection: http.client.HTTPConnection, blanks: int) -> Answer:
    """POST a ticket after so many blanks, without saying how long it all is."""
    body = iter([*chunks(blanks), TICKET])
    connection.request("POST", "/", body, headers(**{"Transfer-Encoding": "chunked"}), encode_chunked=True)
    return answer(connection)


def test_takes_a_body_in_chunks(connection: http.client.HTTPConnection, tickets_store: Store) -> None:
    status, _ = send_in_chunks(connection, 5_000)
    assert (status, tickets_store["tickets"].count_documents({})) == (201, 1)


def test_takes_a_body_in_chunks_up_to_64_kib(connection: http.client.HTTPConnection) -> None:
    assert send_in_chunks(connection, LIMIT - len(TICKET))[0] == 201


def test_refuses_a_body_in_chunks_over_64_kib(connection: http.client.HTTPConnection, tickets_store: Store) -> None:
    assert send_in_chunks(connection, LIMIT - len(TICKET) + 1) == TOO_LARGE
    assert tickets_store.dump() == {}


def test_refuses_a_body_whose_length_is_over_64_kib(
    connection: http.client.HTTPConnection, tickets_store: Store
) -> None:
    connection.request("POST", "/", TICKET.rjust(LIMIT + 1), headers())
    assert answer(connection) == TOO_LARGE
    assert tickets_store.dump() == {}


@pytest.mark.parametrize("length", [2 * LIMIT, 10**10, 10**30])
def test_refuses_a_length_far_over_64_kib_before_the_body_comes(
    connection: http.client.HTTPConnection, length: int
) -> None:
    connection.putrequest("POST", "/")
    for name, value in headers(**{"Content-Length": str(length)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    assert answer(connection) == TOO_LARGE


def test_takes_no_large_body_without_a_session_either(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", TICKET.rjust(LIMIT + 1), {"Content-Type": "application/json"})
    assert answer(connection) == TOO_LARGE


def test_a_body_that_is_cut_off_sells_nothing(connection: http.client.HTTPConnection, tickets_store: Store) -> None:
    connection.putrequest("POST", "/")
    for name, value in headers(**{"Content-Length": str(len(TICKET))}).items():
        connection.putheader(name, value)
    connection.endheaders(TICKET[:-1])
    connection.sock.shutdown(socket.SHUT_WR)
    assert answer(connection) == (400, {"errors": [{"message": "Body must be a JSON object"}]})
    assert tickets_store.dump() == {}


def test_goes_on_serving_after_all_that(connection: http.client.HTTPConnection) -> None:
    for _ in range(2):
        connection.request("POST", "/", TICKET, headers())
        assert answer(connection)[0] == 201


def test_a_connection_that_was_idle_for_a_while_is_still_good(connection: http.client.HTTPConnection) -> None:
    """As one of Knative's queue-proxy may be, which keeps it for 90 s; gunicorn as it comes closes it after 2 s."""
    for idle in (3, 0):
        connection.request("POST", "/", TICKET, headers())
        assert answer(connection)[0] == 201
        time.sleep(idle)


def test_garbage_is_collected_once_a_function_serves(tmp_path: Path) -> None:
    source = tmp_path / "garbage.py"
    source.write_text(
        "import gc, functions, functions_framework\n"
        "while_importing = gc.isenabled()\n"
        "@functions_framework.http\n"
        "def tell(request):\n"
        "    return 'ok' if request.path == '/healthz' else [while_importing, gc.isenabled()]\n"
    )
    with served({"FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "tell"}) as port:
        connection = http.client.HTTPConnection(servers.HOST, port, timeout=START_SECONDS)
        connection.request("GET", "/")
        assert answer(connection) == (200, [False, True])
        connection.close()


BAD_KEYS = {
    ("auth-signin", "SESSION_SIGNING_KEY"): (PUBLIC_KEY, "its PEM says PUBLIC KEY and should say PRIVATE KEY"),
    ("tickets-create", "SESSION_PUBLIC_KEYS"): ("x" * 64, "it is not a public key in PEM"),
    ("tickets-create", "JWT_KEY"): ("asdf", "a key in it is shorter than 32 bytes"),
    ("tickets-create", "FINGERPRINT_KEY"): ("", "it holds no key"),
    ("orders-complete", "EVENTS_PUBLIC_KEYS"): (PUBLIC_KEY[:-30], "it is not a public key in PEM"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "variable"), BAD_KEYS)
def test_a_function_with_a_key_that_it_cannot_use_says_so_and_ends(name: str, variable: str) -> None:
    text, reason = BAD_KEYS[name, variable]
    environment = (
        declared()[name] | {"MONGO_URI": "mongodb://127.0.0.1:1/x", variable: text} | here(servers.free_port())
    )
    ended = subprocess.run(
        COMMAND, env=environment, cwd=manifests.ROOT, capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    [line] = ended.stdout.splitlines()
    assert (ended.returncode, ended.stderr) == (1, "")
    assert json.loads(line)["message"] == f"{variable} cannot be used: {reason}; the process ends"
