"""What the gateway tells browsers: which origins' pages may read an answer, and what a page may not do with it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local import gateway, servers
from tests.e2e.front import echoing, gateway_before, hasty, spoken

SHOP, ADMIN, EVIL = "https://shop.example", "https://admin.example:8443", "https://evil.example"
SECURE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "vary": "origin",
}
HSTS = "strict-transport-security"


@pytest.fixture(scope="module")
def upstream() -> Iterator[int]:
    port = servers.free_port()
    with echoing(port):
        yield port


@pytest.fixture(scope="module")
def shared(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway for pages of two origins; one may sign up once."""
    environment = {"CORS_ORIGINS": f"{SHOP} {ADMIN}", "SIGNUP_INTERVAL_MILLISECONDS": "30000"}
    with gateway_before(upstream, tmp_path_factory.mktemp("shared"), hasty, environment) as url:
        yield url


@pytest.fixture(scope="module")
def closed(upstream: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway as it is by default."""
    with gateway_before(upstream, tmp_path_factory.mktemp("closed"), environment={}) as url:
        yield url


def ask(url: str, origin: str, method: str = "GET", path: str = "/api/tickets") -> requests.Response:
    return requests.request(method, url + path, headers={"origin": origin}, timeout=30)


def preflight(url: str, origin: str, method: str = "PUT", path: str = "/api/tickets/1") -> requests.Response:
    headers = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": "x-other"}
    return requests.options(url + path, headers=headers, timeout=30)


def allowed(answer: requests.Response) -> dict[str, str]:
    """What an answer says about origins."""
    return {
        name.lower().removeprefix("access-control-"): value
        for name, value in answer.headers.items()
        if name.lower().startswith("access-control-")
    }


@pytest.mark.parametrize("origin", [SHOP, ADMIN])
def test_pages_of_a_listed_origin_may_read_answers(shared: str, origin: str) -> None:
    told = allowed(ask(shared, origin))

    assert (told["allow-origin"], told["allow-credentials"]) == (origin, "true")
    assert told["expose-headers"] == "link, retry-after, x-request-id"


@pytest.mark.parametrize("path", ["/api/nowhere", "/api/users/signup", "/api/tickets/a/b"])
def test_and_refusals_of_the_gateway_as_well(shared: str, path: str) -> None:
    answers = [ask(shared, SHOP, "POST", path) for _ in range(2)]

    assert {answer.status_code for answer in answers} & {404, 429}
    assert {allowed(answer)["allow-origin"] for answer in answers} == {SHOP}


@pytest.mark.parametrize("route", gateway.routes(), ids=lambda route: route.function)
def test_a_listed_origin_is_told_what_it_may_send(shared: str, route: gateway.Route) -> None:
    answer = preflight(shared, SHOP, route.method, route.path.replace(":id", "1"))
    told = allowed(answer)

    assert (answer.status_code, answer.text) == (200, "")
    assert (told["allow-origin"], told["allow-credentials"], told["max-age"]) == (SHOP, "true", "3600")
    assert route.method in told["allow-methods"].split(", ")
    assert told["allow-headers"] == "authorization, content-type, idempotency-key, traceparent"


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "*",
        "",
        "http://shop.example",
        f"{SHOP}:8443",
        f"{SHOP}.evil.example",
        f"{SHOP} {ADMIN}",
        "https://x",
    ],
)
def test_pages_of_another_origin_may_not(shared: str, origin: str) -> None:
    refused = preflight(shared, origin)

    assert allowed(ask(shared, origin)) == {}
    assert (refused.status_code, allowed(refused)) == (404, {})


@pytest.mark.parametrize("origin", [SHOP, "null", "*", ""])
def test_by_default_no_other_origin_may(closed: str, origin: str) -> None:
    refused = preflight(closed, origin)

    assert allowed(ask(closed, origin)) == {}
    assert (refused.status_code, allowed(refused)) == (404, {})


def test_any_origin_at_all_is_not_to_be_had(upstream: int, tmp_path: Path) -> None:
    with gateway_before(upstream, tmp_path, environment={"CORS_ORIGINS": "*"}) as url:
        assert allowed(ask(url, EVIL)) == {}


def test_a_preflight_reaches_no_function(shared: str) -> None:
    """The server behind would tell its headers."""
    assert "x-path" not in preflight(shared, SHOP).text
    assert "x-path" not in preflight(shared, EVIL).text


ANSWERS = {
    "of a function": "GET /api/tickets HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "health": "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "description": "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "unknown": "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "too large": f"POST /api/orders HTTP/1.1\r\nHost: x\r\nContent-Length: {10**6}\r\n\r\n{'a' * 70_000}",
    "headers too large": f"GET / HTTP/1.1\r\nHost: x\r\nx-large: {'a' * 9000}\r\n\r\n",
    "too slow": "GET / HTTP/1.1\r\nHost: x\r\n",
    "no HTTP": "GARBAGE\r\n\r\n",
    "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
    "preflight": f"OPTIONS /api/tickets HTTP/1.1\r\nHost: x\r\nOrigin: {SHOP}\r\n"
    "Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("asked", ANSWERS.values(), ids=ANSWERS)
def test_every_answer_says_what_a_page_may_not_do_with_it(shared: str, asked: str) -> None:
    _, headers, _ = spoken(int(shared.rpartition(":")[2]), asked)

    varying = {"vary": headers["vary"].rpartition(",")[2]}  # compression varies by accept-encoding, too
    assert SECURE.items() <= (headers | varying).items()
    assert HSTS not in headers


def test_so_does_one_that_a_function_failed_to_give(tmp_path: Path) -> None:
    with gateway_before(servers.free_port(), tmp_path) as url:
        answer = requests.get(f"{url}/api/tickets", timeout=60)

    assert answer.status_code == 503
    assert {(name, answer.headers[name]) for name in SECURE} == set(SECURE.items())


@pytest.mark.parametrize("path", ["/api/tickets", "/nowhere"])
def test_who_came_over_tls_is_told_to_stay(shared: str, path: str) -> None:
    encrypted = requests.get(shared + path, headers={"x-forwarded-proto": "https"}, timeout=30)
    plain = requests.get(shared + path, headers={"x-forwarded-proto": "http"}, timeout=30)

    assert re.fullmatch(r"max-age=\d{8}", encrypted.headers[HSTS])
    assert HSTS not in plain.headers
