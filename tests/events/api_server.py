"""As much of a Kubernetes API server as a control plane meets: objects of any kind over HTTP.

Kinds of the API group nowhere.test are not known to it.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from local import servers
from tests.events.api_objects import Address, Object, Refusal, Store

_UNKNOWN = "nowhere.test"


class Instead(NamedTuple):
    """What is said instead of the right answer; without a content type there is no such header."""

    status: int
    content_type: str | None = "application/json"
    body: bytes = b"{}"


class ApiServer:
    """The server. While it is stopped it cannot be reached, and its objects are kept.

    `requests` are those it had, as `GET /path?query`. What `instead` says of one of them is its answer. Watches tell
    of no resource that is `silent`, `triggers` for instance. Several servers may have the objects of one `store`, as a
    cluster's do. With `tls` they are reached by HTTPS.
    """

    def __init__(self, store: Store | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.store = store or Store()
        self.requests: list[str] = []
        self.instead: Callable[[str], Instead | None] = lambda _: None
        self.silent: tuple[str, ...] = ()
        self._port = servers.free_port()
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, again perhaps, on the same port."""
        self._stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"api": self, "store": self.store, "stopping": self._stopping})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        if self._tls:
            self._server.socket = self._tls.wrap_socket(self._server.socket, server_side=True)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # watchers come and go
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """End every watch, and listen no more."""
        self._stopping.set()
        with self.store.changed:
            self.store.changed.notify_all()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Handler(BaseHTTPRequestHandler):
    api: ApiServer
    store: Store
    stopping: threading.Event

    def parse_request(self) -> bool:
        """Whether there is anything left to answer."""
        if not super().parse_request():
            return False
        request = f"{self.command} {self.path}"
        self.api.requests.append(request)
        instead = self.api.instead(request)
        if instead is not None:
            self._body()
            self._send(*instead)
        return instead is None

    def do_GET(self) -> None:
        query, address = parse_qs(urlsplit(self.path).query), self._address()
        if "watch" in query:
            self._watch(address, int(query["resourceVersion"][0]))
        else:
            self._answer(self.store.get if address.name else self.store.all)

    def do_POST(self) -> None:
        item = self._body()
        self._answer(lambda address: self.store.create(address, item))

    def do_PATCH(self) -> None:
        patch = self._body()
        self._answer(lambda address: self.store.patch(address, patch))

    def do_DELETE(self) -> None:
        self._answer(self.store.delete)

    def _address(self) -> Address:
        return Address.of(urlsplit(self.path).path)

    def _body(self) -> Object:
        body: Object = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        return body

    def _answer(self, work: Callable[[Address], Object]) -> None:
        status, answer = 404, _status(404)
        if _UNKNOWN not in self.path:
            with self.store.changed:
                try:
                    status, answer = 200, work(self._address())
                except Refusal as refusal:
                    status, answer = refusal.args[0], _status(refusal.args[0])
        self._send(status, "application/json", json.dumps(answer).encode())

    def _send(self, status: int, content_type: str | None, body: bytes) -> None:
        self.send_response(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _watch(self, address: Address, version: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for line in _lines(self.api, self.stopping, address, version):
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _lines(api: ApiServer, stopping: threading.Event, address: Address, version: int) -> Iterator[Object]:
    store, resource = api.store, address.resource.rpartition("/")[2]
    while not stopping.is_set():
        with store.changed:
            try:
                changes = [] if resource in api.silent else store.since(version, address.resource)
            except Refusal as refusal:
                yield {"type": "ERROR", "object": _status(refusal.args[0])}
                return
            if not changes:
                store.changed.wait(1)
        for change in changes:
            version = change.version
            yield {"type": change.type, "object": change.object}


def _status(code: int) -> Object:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": f"code {code}"}
