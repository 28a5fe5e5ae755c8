"""Errors that neither a function nor the gateway made, but what stands between: they tell nothing of the inside."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from local import manifests, servers
from tests.e2e.front import Echo, ask, errors, gateway_before, refusal, say

INSIDE = "dial tcp 10.0.0.7:8012: connection refused"
PLAIN = "text/plain; charset=utf-8"
SHOP = "https://shop.example"


class Failing(Echo):
    """Answers as the query says: a status, a content type and a body, if any."""

    def do_GET(self) -> None:  # noqa: N802 the name that http.server looks for
        """In chunks, if there is a body."""
        said = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(int(said["status"]))
        if "type" in said:
            self.send_header("content-type", said["type"])
        body = said.get("body", "").encode()
        self.send_header(*("transfer-encoding", "chunked") if body else ("content-length", "0"))
        self.end_headers()
        if body and self.command != "HEAD":
            self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))

    do_HEAD = do_GET  # noqa: N815 the name that http.server looks for


@pytest.fixture(scope="module")
def in_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway before something that fails as it is told to."""
    port = servers.free_port()
    folder = tmp_path_factory.mktemp("gateway")
    with ThreadingHTTPServer((servers.HOST, port), Failing) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            with gateway_before(port, folder, environment={"CORS_ORIGINS": SHOP}) as url:
                yield url
        finally:
            server.shutdown()


def path(**said: object) -> str:
    """Where the upstream answers like that."""
    return str(requests.Request("GET", "http://x/api/tickets", params=said).prepare().path_url)


def told(url: str, **said: object) -> tuple[int, str | None, str]:
    return ask(int(url.rpartition(":")[2]), "GET", path(**said))


def words(status: int) -> str:
    """What the gateway says of an error of its own with this status."""
    [config] = manifests.parse(manifests.ENVOY.read_text())
    listener = config["static_resources"]["listeners"][0]
    replies = listener["filter_chains"][0]["filters"][0]["typed_config"]["local_reply_config"]
    compare = {"EQ": int.__eq__, "GE": int.__ge__, "LE": int.__le__}
    for mapper in replies["mappers"]:
        comparison = mapper["filter"]["status_code_filter"]["comparison"]
        if compare[comparison["op"]](status, comparison["value"]["default_value"]):
            return str(mapper["body"]["inline_string"])
    raise LookupError(status)


@pytest.mark.parametrize("status", [400, 403, 404, 408, 413, 418, 429, 431, 500, 502, 503, 504, 511])
def test_an_error_in_text_is_told_in_the_gateways_own_words(in_front: str, status: int) -> None:
    assert told(in_front, status=status, type=PLAIN, body=INSIDE) == refusal(status, words(status))


@pytest.mark.parametrize("said", [{"type": "text/html", "body": "<h1>Oh</h1>"}, {"body": INSIDE}, {"type": PLAIN}, {}])
def test_so_is_one_of_any_other_type_or_none(in_front: str, said: dict[str, str]) -> None:
    assert told(in_front, status=503, **said) == refusal(503, "Service Unavailable")


@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "application/cloudevents+json"]
)
@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_what_a_function_answers_is_left_alone(in_front: str, kind: str, status: int) -> None:
    assert told(in_front, status=status, type=kind, body='{"a":1}') == (status, kind, '{"a":1}')


def test_what_is_no_error_is_left_alone_with_any_type(in_front: str) -> None:
    assert told(in_front, status=200, type=PLAIN, body="fine") == (200, PLAIN, "fine")
    assert told(in_front, status=204) == (204, None, "")


def test_an_error_of_the_inside_is_for_the_same_readers_as_any_other_answer(in_front: str) -> None:
    answer = requests.get(in_front + path(status=502, type=PLAIN, body=INSIDE), headers={"origin": SHOP}, timeout=30)

    assert answer.json() == errors("Something went wrong")
    assert (answer.headers["x-content-type-options"], answer.headers["access-control-allow-origin"]) == (
        "nosniff",
        SHOP,
    )


@pytest.mark.parametrize("said", [{"type": PLAIN, "body": INSIDE}, {"type": PLAIN}, {}])
def test_head_is_answered_with_the_type_alone(in_front: str, said: dict[str, str]) -> None:
    asked = f"HEAD {path(status=503, **said)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"

    assert say(int(in_front.rpartition(":")[2]), asked) == (503, "application/json", "")
