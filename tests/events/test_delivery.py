"""What the bridge does with a subscriber's answers."""

import socketserver
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from events.cloudevents.messages import read_row
from tests.events.harness import Answer, Request, Sink, Stage, event, failing
from tests.eventually import PATIENCE_SECONDS, eventually


@contextmanager
def raw_server(answer: bytes) -> Iterator[tuple[str, list[int]]]:
    """Run a server that sends the same bytes to each client and closes; yield its URL, and the clients that came."""
    came: list[int] = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            came.append(len(self.request.recv(65_536)))
            self.request.sendall(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/", came
        server.shutdown()


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_2xx_ends_the_delivery(stage: Stage, sink: Sink, status: int) -> None:
    sink.answer = lambda _: Answer(status)
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    sink.await_requests(1)
    stage.await_settled("all")
    assert len(sink.requests) == 1
    assert not stage.letters()


@pytest.mark.parametrize("status", [404, 408, 409, 429, 500, 501, 502, 503, 504, 505, 507, 599])
def test_a_temporary_failure_is_retried(stage: Stage, sink: Sink, status: int) -> None:
    sink.answer = failing(2, Answer(status))
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event(id="again"))
    sink.await_requests(3)
    stage.await_settled("all")
    assert sink.ids == ["again"] * 3
    assert not stage.letters()


@pytest.mark.parametrize(
    "status",
    [300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 405, 406, 410, 413, 415, 418, 422, 425, 426, 431, 451],
)
def test_a_permanent_failure_is_not_retried(stage: Stage, sink: Sink, status: int) -> None:
    sink.answer = lambda _: Answer(status, {"Location": sink.url}, b"no")
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event(id="refused"))
    (letter,) = stage.await_letters(1)
    assert letter.reason == f"answered {status}"
    assert letter.headers["ce-id"] == "refused"
    assert letter.headers["ce-knativeerrorcode"] == str(status)
    assert letter.headers["ce-knativeerrordest"] == sink.url
    assert b64decode(letter.headers["ce-knativeerrordata"]) == b"no"
    assert letter.data == b'{"n":1}'
    stage.await_settled("all")
    assert len(sink.requests) == 1


def test_a_1xx_that_ends_an_exchange_is_not_retried(stage: Stage, sink: Sink) -> None:
    with raw_server(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n") as (
        url,
        came,
    ):
        stage.trigger("all", sink, subscriber={"uri": url})
        stage.start_bridge()
        stage.publish(event())
        (letter,) = stage.await_letters(1)
    assert letter.headers["ce-knativeerrorcode"] == "101"
    assert len(came) == 1


def test_a_1xx_before_the_answer_says_nothing(stage: Stage, sink: Sink) -> None:
    with raw_server(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n") as (url, came):
        stage.trigger("all", sink, subscriber={"uri": url})
        stage.start_bridge()
        stage.publish(event())
        stage.await_settled("all")
    assert len(came) == 1
    assert not stage.letters()


@pytest.mark.parametrize(
    "answer",
    [Answer(422, body=b"x" * 10_000_000), Answer(422, {"Content-Length": "1000", "Connection": "close"}, b"half")],
    ids=["10 MB", "half"],
)
def test_a_rejection_counts_with_any_body(stage: Stage, sink: Sink, answer: Answer) -> None:
    sink.answer = lambda _: answer
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    (letter,) = stage.await_letters(1)
    assert letter.reason == "answered 422"
    assert len(sink.requests) == 1


def test_a_dead_letter_has_room_for_the_largest_attributes_and_any_address(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: Answer(400)
    stage.trigger("all", sink, subscriber={"uri": sink.url + "ü" * 5_000})
    stage.start_bridge()
    stage.publish(event(id="1", subject="x" * 48_900))
    (letter,) = stage.await_letters(1)
    assert letter.headers["ce-id"] == "1"
    assert letter.headers["ce-knativeerrordest"].startswith(sink.url + "%C3%BC" * 990)


def test_a_subscriber_that_does_not_speak_http(stage: Stage, sink: Sink) -> None:
    """Knative's own tests send to `bad://uri`, and want the event as a dead letter."""
    delivery = {"deadLetterSink": {"uri": sink.url}}
    stage.trigger("all", sink, subscriber={"uri": "bad://uri"}, delivery=delivery)
    stage.start_bridge()
    stage.publish(event(id="1"))
    (letter,) = sink.await_requests(1)
    assert (letter.id, letter.headers["ce-knativeerrordest"]) == ("1", "bad://uri")


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"\x00" * 9_000],
)
def test_a_response_that_is_not_http_is_retried(stage: Stage, sink: Sink, answer: bytes) -> None:
    with raw_server(answer) as (url, connections):
        stage.trigger("all", sink, subscriber={"uri": url})
        stage.start_bridge()
        stage.publish(event())
        (letter,) = stage.await_letters(1)
    assert "ce-knativeerrorcode" not in letter.headers
    assert len(connections) == 3


def test_a_connection_closed_on_the_next_request_is_no_failure_of_the_subscriber(stage: Stage, sink: Sink) -> None:
    """As a keep-alive that ends while a request is on its way: the connection closes without an answer."""
    connections: list[object] = []

    def once_a_connection(request: Request) -> Answer:
        if request.connection in connections:
            raise ConnectionAbortedError
        connections.append(request.connection)
        return Answer()

    sink.answer = once_a_connection
    stage.trigger("all", sink, delivery={"retry": 0})
    stage.start_bridge()
    for n in range(5):
        stage.publish(event(id=str(n)))
        stage.await_settled("all")
    assert len(connections) == 5
    assert len(sink.requests) > 5
    assert not stage.letters()


def test_a_second_try_on_a_new_connection_stays_within_the_timeout(stage: Stage, sink: Sink) -> None:
    """The first one takes most of the time, until the subscriber closes the connection that it has used before."""
    connections: list[object] = []

    def slowly_again(request: Request) -> Answer:
        if not connections:
            connections.append(request.connection)
            return Answer()
        time.sleep(2.1)
        if request.connection in connections:
            raise ConnectionAbortedError
        return Answer()

    sink.answer = slowly_again
    stage.trigger("all", sink, delivery={"retry": 0, "timeout": "PT3S"})
    stage.start_bridge()
    stage.publish(event())
    stage.await_settled("all")
    stage.publish(event(id="late"))
    (letter,) = stage.await_letters(1)
    assert (letter.headers["ce-id"], letter.reason) == ("late", "no answer within 3 s")


def test_a_quiet_trigger_keeps_its_connection(stage: Stage, sink: Sink) -> None:
    """Functions keep theirs for two minutes."""
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    stage.await_settled("all")
    time.sleep(3)
    stage.publish(event())
    first, second = sink.await_requests(2)
    assert first.port == second.port


def test_a_subscriber_that_dies_of_an_event_gets_it_once_an_attempt(stage: Stage, sink: Sink) -> None:
    """A connection that breaks with its first request was not closed for being idle."""

    def dying(_: Request) -> Answer:
        raise ConnectionAbortedError

    sink.answer = dying
    stage.trigger("all", sink)
    stage.start_bridge()
    stage.publish(event())
    stage.await_letters(1)
    assert len(sink.requests) == 3


def test_no_more_requests_at_once_than_a_trigger_allows(stage: Stage, sink: Sink) -> None:
    """Each waits until as many as may be have come; one more would come meanwhile."""
    most, under_way, all_there, guard = 0, 0, threading.Event(), threading.Lock()

    def slowly(_: Request) -> Answer:
        nonlocal most, under_way
        with guard:
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                all_there.set()
        all_there.wait(PATIENCE_SECONDS)
        time.sleep(0.05)
        with guard:
            under_way -= 1
        return Answer()

    sink.answer = slowly
    stage.trigger("all", sink, {"jetstream.ticketing.dev/concurrency": "3"})
    stage.start_bridge()
    stage.publish(*(event() for _ in range(30)))
    stage.await_settled("all")
    assert most == 3


def test_one_event_that_fails_does_not_stop_the_others(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda request: Answer(500 if request.id == "poison" else 204)
    stage.trigger("all", sink, delivery={"retry": 100, "backoffDelay": "PT60S"})
    stage.start_bridge()
    stage.publish(event(id="poison"), *(event(id=str(n)) for n in range(50)))
    eventually(lambda: {str(n) for n in range(50)} <= set(sink.ids))


def test_a_dead_letter_is_replayed_to_the_trigger_that_failed_only(stage: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = failing(1, Answer(400))
    stage.trigger("broken", sink, filter={"attributes": {"type": "dev.test.happened"}})
    stage.trigger("sound", other_sink)
    stage.start_bridge()
    stage.publish(event(id="replayed"))
    (letter,) = stage.await_letters(1)
    assert letter.trigger == "broken"
    stage.loop.run(stage.dead_letters.replay(letter.sequence))
    again = sink.await_requests(2)[1]
    assert again.id == "replayed"
    assert again.body == b'{"n":1}'
    assert not any(name.startswith("ce-knativeerror") for name in again.headers)
    stage.await_settled("broken")
    assert not stage.letters()
    assert other_sink.ids == ["replayed"]


def test_a_replay_is_delivered_even_if_the_trigger_would_not_want_the_event_now(stage: Stage, sink: Sink) -> None:
    stage.trigger("narrow", sink, filters=[{"exact": {"source": "/elsewhere"}}])
    stage.start_bridge()
    made = read_row(event(id="replayed"))
    stage.send(stage.stream_names.replay("narrow"), made.message_headers(), made.data)
    assert sink.await_requests(1)[0].id == "replayed"
