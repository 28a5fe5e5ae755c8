"""Who may use the console: on one machine only that machine's own pages, in a cluster the bearer of the token."""

from collections.abc import Iterator

import pytest
import requests

from tests.console.env import ConsoleEnv

TOKEN = "an operator's token"
TIMEOUT_SECONDS = 60


def get(url: str, **headers: str) -> int:
    """Return the status of the answer."""
    return requests.get(url, headers=headers, allow_redirects=False, timeout=TIMEOUT_SECONDS).status_code


def test_without_a_token_it_answers_to_the_names_of_its_machine_only(env: ConsoleEnv) -> None:
    assert get(f"{env.url}/api/orders?q=abcdef") == 200
    assert get(f"{env.url}/api/orders?q=abcdef", Host="rebound.example") == 421


def test_its_pages_forbid_what_they_do_not_need(env: ConsoleEnv) -> None:
    response = requests.get(env.url, timeout=TIMEOUT_SECONDS)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.fixture(scope="module")
def guarded(nats_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleEnv]:
    """Yield a console that wants a token."""
    with ConsoleEnv.started(nats_url, tmp_path_factory.mktemp("guarded"), CONSOLE_TOKEN=TOKEN) as started:
        yield started


def test_with_a_token_only_its_bearer_gets_in(guarded: ConsoleEnv) -> None:
    url = f"{guarded.url}/api/orders?q=abcdef"
    assert get(url) == 401
    assert get(url, Authorization="Bearer wrong") == 401
    assert get(url, Authorization=f"Bearer {TOKEN}", Host="console.ticketing") == 200
    assert get(guarded.url) == 303
    assert get(f"{guarded.url}/healthz") == 200


def test_a_form_signs_in_by_a_cookie_that_scripts_cannot_read(guarded: ConsoleEnv) -> None:
    session = requests.Session()
    form = f"{guarded.url}/signin"
    wrong = session.post(form, data={"token": "wrong"}, timeout=TIMEOUT_SECONDS)
    assert "That is not the token." in wrong.text
    foreign = session.post(form, data={"token": TOKEN}, headers={"Origin": "http://evil"}, timeout=TIMEOUT_SECONDS)
    assert foreign.status_code == 403
    session.post(form, data={"token": TOKEN}, timeout=TIMEOUT_SECONDS)
    [cookie] = session.cookies
    assert "HttpOnly" in vars(cookie)["_rest"]
    assert session.get(f"{guarded.url}/api/orders?q=abcdef", timeout=TIMEOUT_SECONDS).status_code == 200
