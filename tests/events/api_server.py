"""As much of a Kubernetes API server as a control plane meets: objects of any kind over HTTP.

Kinds of the API group nowhere.test are not known to it.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.events.api_objects import Address, Object, Refusal, Store

_UNKNOWN = "nowhere.test"


class ApiServer:
    """The server. While it is stopped nobody reaches it, and its objects are kept."""

    def __init__(self) -> None:
        self.store = Store()
        self._port = 0
        self._server: ThreadingHTTPServer | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen, again perhaps, on the same port."""
        self._stopping = threading.Event()
        handler = type("Handler", (_Handler,), {"store": self.store, "stopping": self._stopping})
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # watchers come and go
        self._port = self._server.server_port
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
    store: Store
    stopping: threading.Event

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
        body: Object = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return body

    def _answer(self, work: Callable[[Address], Object]) -> None:
        status, answer = 404, _status(404)
        if _UNKNOWN not in self.path:
            with self.store.changed:
                try:
                    status, answer = 200, work(self._address())
                except Refusal as refusal:
                    status, answer = refusal.args[0], _status(refusal.args[0])
        body = json.dumps(answer).encode()
        self._begin(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _begin(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")

    def _watch(self, address: Address, version: int) -> None:
        self._begin(200)
        self.end_headers()
        for line in _lines(self.store, self.stopping, address, version):
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _lines(store: Store, stopping: threading.Event, address: Address, version: int) -> Iterator[Object]:
    while not stopping.is_set():
        with store.changed:
            try:
                changes = store.since(version, address.resource)
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
