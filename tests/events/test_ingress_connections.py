"""Connections to the ingress: those that send no request are closed, others are kept."""

import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from events.ingress import connections
from tests.events.harness import Sink, Stage

HEAD_TIMEOUT_SECONDS = 2.0  # far longer than a busy machine takes to read what was sent


@pytest.fixture
def connect(stage: Stage, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Callable[[], socket.socket]:
    """Connect to an ingress that waits for a request head for a short time only."""
    monkeypatch.setattr(connections, "_HEAD_TIMEOUT", HEAD_TIMEOUT_SECONDS)
    stage.trigger("all", sink)
    stage.start_bridge()
    address = urlsplit(stage.ingress)
    return lambda: socket.create_connection((str(address.hostname), address.port), timeout=30)


def request(stage: Stage, number: int) -> bytes:
    head = f"POST {urlsplit(stage.ingress).path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nce-id: {number}\r\n"
    return f"{head}ce-specversion: 1.0\r\nce-source: /test\r\nce-type: dev.test.happened\r\n\r\n".encode()


@pytest.mark.parametrize("sent", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nce-id: 1\r\n"])
def test_a_connection_without_a_whole_request_head_is_closed(connect: Callable[[], socket.socket], sent: bytes) -> None:
    with connect() as connection:
        connection.sendall(sent)
        assert connection.recv(1024) == b""


def test_a_second_request_that_is_never_whole_closes_the_connection(
    stage: Stage, connect: Callable[[], socket.socket]
) -> None:
    with connect() as connection:
        connection.sendall(request(stage, 1))
        assert connection.recv(1024).startswith(b"HTTP/1.1 202 ")
        connection.sendall(request(stage, 2)[:40])
        assert connection.recv(1024) == b""


def test_a_quiet_connection_is_kept_after_a_request(stage: Stage, connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        for number in (1, 2):
            connection.sendall(request(stage, number))
            assert connection.recv(1024).startswith(b"HTTP/1.1 202 ")
            time.sleep(2 * HEAD_TIMEOUT_SECONDS)


def test_a_body_may_take_longer_than_a_head(stage: Stage, sink: Sink, connect: Callable[[], socket.socket]) -> None:
    with connect() as connection:
        connection.sendall(request(stage, 1).replace(b"Content-Length: 0", b"Content-Length: 4"))
        for half in (b"da", b"ta"):
            time.sleep(HEAD_TIMEOUT_SECONDS)
            connection.sendall(half)
        assert connection.recv(1024).startswith(b"HTTP/1.1 202 ")
    assert sink.await_requests(1)[0].body == b"data"
