"""The gateway alone, before a server in the place of every function, and how to ask it."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local import gateway, manifests, servers
from tests.eventually import eventually

Manager = dict[str, Any]


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Headers and path, a line each."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = f"{self.headers.as_string().strip()}\nx-path: {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 the name that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def echoing(port: int) -> Iterator[None]:
    """Run an `Echo` server."""
    with ThreadingHTTPServer((servers.HOST, port), Echo) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield
        finally:
            server.shutdown()


@contextmanager
def gateway_before(
    upstream: int,
    folder: Path,
    change: Callable[[Manager], None] = lambda _: None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[str]:
    """Run the gateway with every function at one port; its address. What it says goes to the file `log` in the folder.

    `change` may alter the HTTP connection manager's configuration, `environment` says how often one may sign up.
    """
    port = servers.free_port()
    config = folder / "envoy.yaml"
    config.write_text(_configuration(port, upstream, change))
    command = servers.envoy(config)
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.DEVNULL) as process,
    ):
        try:
            eventually(lambda: listens(port))
            yield f"http://{servers.HOST}:{port}"
        finally:
            process.terminate()


def hasty(manager: Manager) -> None:
    """The same configuration with less patience."""
    manager |= {"request_headers_timeout": "0.3s", "request_timeout": "0.3s"}
    [host] = manager["route_config"]["virtual_hosts"]
    for entry in host["routes"]:
        if "route" in entry:
            entry["route"]["timeout"] = "0.3s"


def _configuration(port: int, upstream: int, change: Callable[[Manager], None]) -> str:
    hosts = {f"{route.function}.{manifests.namespace()}.svc.cluster.local" for route in gateway.routes()}
    [config] = manifests.parse(gateway.configuration(port, dict.fromkeys(hosts, f"{servers.HOST}:{upstream}")))
    change(config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"])
    return json.dumps(config)


def listens(port: int) -> bool:
    """Tell if a process takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((servers.HOST, port)) == 0


def ask(port: int, method: str, path: str) -> tuple[int, str | None, str]:
    """Status, content type and body of the answer to a path just as it is given, which `requests` would tidy up."""
    with closing(HTTPConnection(servers.HOST, port, timeout=30)) as connection:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["content-type"], answer.read().decode().strip()


def say(port: int, text: str) -> tuple[int, str | None, str]:
    """The same for bytes just as they are given, which may be half a request."""
    status, fields, body = spoken(port, text)
    return status, fields.get("content-type"), body


def spoken(port: int, text: str) -> tuple[int, dict[str, str], str]:
    """Status, header fields (names and values in lower case) and body of the answer to bytes just as they are given."""
    with socket.create_connection((servers.HOST, port), timeout=30) as connection:
        connection.sendall(text.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
    return int(head.split()[1]), fields, body.strip()


def refusal(status: int, message: str) -> tuple[int, str, str]:
    """What `ask` returns for an error."""
    return status, "application/json", f'{{"errors":[{{"message":"{message}"}}]}}'


def errors(message: str) -> dict[str, list[dict[str, str]]]:
    """The body of an error."""
    return {"errors": [{"message": message}]}
