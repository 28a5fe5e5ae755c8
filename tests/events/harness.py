"""What event tests stand on: a real HTTP sink, Brokers and Triggers as people write them."""

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import urlsplit

from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from events.broker import manifest
from events.broker.streams import UID
from events.broker.subjects import StreamNames
from events.cloudevents.event import identity
from events.cloudevents.messages import read_row
from events.deadletters import DeadLetter, DeadLetters
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.log_space import LogSpace
from events.dispatcher.reconciler import Reconciler
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from events.ingress import Ingress
from events.runtime.address import NatsAddress
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher
from local import servers
from tests.events.given import Given
from tests.events.loop import Loop, collect
from tests.eventually import PATIENCE_SECONDS, eventually

T = TypeVar("T")

ACK_WAIT_SECONDS = 10.0  # a machine that stalls for a while makes nothing come twice
QUICK = {"retry": 2, "backoffPolicy": "linear", "backoffDelay": "PT0.05S"}

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """What a sink got; header names in lower case."""

    path: str
    headers: Headers
    body: bytes
    connection: BaseHTTPRequestHandler | None = None

    @property
    def port(self) -> int:
        """The sender's."""
        return int(self.connection.client_address[1]) if self.connection else 0

    @property
    def id(self) -> str | None:
        """The event's id."""
        return self.headers.get("ce-id")


@dataclass(frozen=True)
class Answer:
    """What a sink says to a request."""

    status: int = 204
    headers: Headers = field(default_factory=dict)
    body: bytes = b""


def failing(times: int, answer: Answer) -> Callable[[Request], Answer]:
    """Answers so many times with `answer`, then with 204."""
    answers = [answer] * times
    return lambda _: answers.pop() if answers else Answer()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024  # connections may come by the hundred


class Sink:
    """An HTTP server that notes every request, and answers as `answer` says; ConnectionAbortedError is no answer."""

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer] = lambda _: Answer()
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # bridges may be killed
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    @property
    def ids(self) -> list[str | None]:
        """The events that came, in order."""
        return [request.id for request in self.requests]

    def await_requests(self, count: int) -> list[Request]:
        """Wait for so many requests, or more."""
        eventually(lambda: len(self.requests) >= count)
        return self.requests

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _handler(sink: Sink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path, headers, self.rfile.read(int(headers.get("content-length", 0))), self)
            sink.requests.append(request)
            try:
                answer = sink.answer(request)
            except ConnectionAbortedError:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def event(event_type: str = "dev.test.happened", **attributes: object) -> dict[str, Any]:
    """A CloudEvent as an outbox holds it."""
    given = {"specversion": "1.0", "id": secrets.token_hex(8), "source": "/test", "type": event_type}
    return {**given, "datacontenttype": "application/json", "data": {"n": 1}, **attributes}


class Stage:
    """A Broker of the test's own on a real NATS server, and a bridge for its Triggers."""

    def __init__(self, loop: Loop, nats_url: str) -> None:
        self.loop = loop
        self.nats_url = nats_url
        self.stream_names = StreamNames("test-" + secrets.token_hex(4), "default")
        self.connection = loop.run(_connect(nats_url))
        self.jetstream = self.connection.jetstream(timeout=PATIENCE_SECONDS)
        self.publisher = Publisher(self.connection)
        self.dead_letters = DeadLetters(self.publisher, self.jetstream, self.stream_names)
        self.objects: list[dict[str, Any]] = [self._object("Broker", "default", {})]
        self.aliases: dict[str, str] = {}
        self._stops: list[Callable[[], None]] = []
        self._ingress_port = servers.free_port()

    @property
    def ingress(self) -> str:
        """Where the Broker takes events over HTTP, once a bridge runs."""
        return f"http://{servers.HOST}:{self._ingress_port}/{self.stream_names.namespace}/default"

    def broker(self, annotations: Headers | None = None, **spec: object) -> None:
        """Declare the Broker again, with other settings."""
        self.objects[0] = self._object("Broker", "default", spec, annotations)

    def trigger(self, name: str, sink: Sink, annotations: Headers | None = None, **spec: object) -> None:
        """Declare a Trigger. `spec` as in YAML; without a delivery, a quick one."""
        given = {"broker": "default", "subscriber": {"uri": sink.url}, "delivery": QUICK, **spec}
        self.objects.append(self._object("Trigger", name, given, annotations))

    def function(self, name: str, sink: Sink) -> dict[str, Any]:
        """A reference to a function of that name, for a Trigger's subscriber; the sink answers in its place."""
        self.aliases[f"{name}.{self.stream_names.namespace}.svc.cluster.local"] = urlsplit(sink.url).netloc
        return {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}}

    def _object(self, kind: str, name: str, spec: object, annotations: Headers | None = None) -> dict[str, Any]:
        ours = {"eventing.knative.dev/broker.class": "JetStreamBridge", "jetstream.ticketing.dev/max-bytes": "8388608"}
        metadata = {
            "namespace": self.stream_names.namespace,
            "name": name,
            "annotations": {**ours, **(annotations or {})},
        }
        return {"apiVersion": "eventing.knative.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}

    def start_bridge(self) -> Callable[[], None]:
        """A bridge beside the test, bound when this returns; calling what is returned drains it."""
        started: list[Reconciler] = []
        stop = self.loop.start(self._bridge(started))
        self._stops.append(stop)
        eventually(lambda: bool(started) and started[0].ready)
        return stop

    async def _bridge(self, started: list[Reconciler]) -> None:
        async with Subscribers(self.aliases) as subscribers:
            source = Given(manifest.desired_state(json.loads(json.dumps(self.objects))))
            settings = Settings(ACK_WAIT_SECONDS, drain=2, away=1)
            deliveries = Deliveries(self.connection, subscribers, settings)
            reconciler = Reconciler(self.connection, source, deliveries, settings)
            log_space = LogSpace(self.jetstream, lambda: reconciler.brokers, reconciler.consumers)
            ingress = Ingress(self.publisher, lambda: reconciler.brokers, reconciler.expects, log_space.admits)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(reconciler.run())
                tasks.create_task(log_space.run())
                tasks.create_task(ingress.run(self._ingress_port, servers.HOST, drain=2))
                started.append(reconciler)

    def publish(self, *rows: dict[str, Any]) -> None:
        """Publish as the relay does."""
        for row in rows:
            made = read_row(row)
            key = {"Nats-Msg-Id": identity(made["source"], made["id"])}
            self.send(self.stream_names.event(made["type"]), made.message_headers() | key, made.data)

    def send(self, subject: str, headers: Headers, data: bytes) -> None:
        """Publish any message."""
        self.loop.run(self.publisher.store(subject, headers, data))

    def send_raw(self, subject: bytes, headers: bytes, data: bytes) -> None:
        """Publish bytes that no client library would send."""
        sizes = b"%d %d" % (len(headers), len(headers) + len(data)) if headers else b"%d" % len(data)
        command = b"HPUB" if headers else b"PUB"
        address = urlsplit(self.nats_url)
        with socket.create_connection((str(address.hostname), address.port or 4222)) as raw:
            raw.sendall(b'CONNECT {"verbose":false,"headers":true}\r\n')
            raw.sendall(command + b" " + subject + b" " + sizes + b"\r\n" + headers + data + b"\r\nPING\r\n")
            answers = b""
            while b"PONG" not in answers:
                answers += raw.recv(65_536)

    def letters(self) -> list[DeadLetter]:
        """The dead letters."""
        return self.loop.run(collect(self.dead_letters.list()))

    def await_letters(self, count: int) -> list[DeadLetter]:
        """Wait for so many dead letters, or more."""
        eventually(lambda: len(self.letters()) >= count)
        return self.letters()

    def await_settled(self, trigger: str) -> None:
        """Wait until a Trigger has nothing left to do."""
        eventually(lambda: self._unsettled(trigger) == 0)

    def _unsettled(self, trigger: str) -> int:
        info = self.loop.run(self.jetstream.consumer_info(self.stream_names.log, self.stream_names.consumer(trigger)))
        return int(info.num_pending or 0) + int(info.num_ack_pending or 0) + self.parked(trigger)

    def parked(self, trigger: str) -> int:
        """How many events of a Trigger are parked."""
        with suppress(NotFoundError):
            stream = self.stream_names.parked_stream(trigger)
            return self.loop.run(self.jetstream.stream_info(stream)).state.messages
        return 0

    def log_bytes(self) -> int:
        """How many bytes the Broker's log holds."""
        return self.loop.run(self.jetstream.stream_info(self.stream_names.log)).state.bytes

    def fill(self, size: int) -> None:
        """Store bytes in the log that a consumer needs, and does not take until `empty`."""
        filler = self.stream_names.event("filler")
        config = ConsumerConfig(durable_name="filler", filter_subject=filler, metadata={UID: "a Trigger's"})
        self.loop.run(self.jetstream.add_consumer(self.stream_names.log, config))
        self.send(filler, {}, b"x" * size)

    def empty(self) -> None:
        """Remove what `fill` has stored."""
        self.loop.run(self.jetstream.purge_stream(self.stream_names.log, subject=self.stream_names.event("filler")))

    def stop_bridges(self) -> None:
        """Drain them all."""
        while self._stops:
            self._stops.pop()()

    def close(self) -> None:
        """Stop the bridges and remove the Broker's streams."""
        self.stop_bridges()
        self.loop.run(self._remove())

    async def _remove(self) -> None:
        for info in await self.jetstream.streams_info():
            if str(info.config.name).startswith(self.stream_names.namespace):
                await self.jetstream.delete_stream(str(info.config.name))
        await self.connection.close()


async def _connect(url: str) -> Connection:
    connection = Connection()
    await connection.open(NatsAddress.parse(url), "test")
    return connection
