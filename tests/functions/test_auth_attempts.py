"""Limits on wrong passwords: how many are compared, when the owner gets in, and what strangers can do about it."""

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from werkzeug.test import TestResponse

from functions.auth import attempts, domain
from functions.auth.attempts import FREE_PER_NETWORK
from functions.shared import clock
from tests.functions.harness import Function, Make, Store, User, at_once, refusal, said
from tests.functions.test_auth_signin import EMAIL, PASSWORD, counted_hashing

WRONG, HOME = "wrong horse", "203.0.113.7"
INVALID = refusal(400, "Invalid credentials")
TOO_MANY = refusal(429, "Too Many Requests")
Statuses = list[int]


class StandingTime:
    """The functions' time, which stands still unless a test lets it pass."""

    def __init__(self) -> None:
        self.passed = timedelta()
        self._moment = datetime.now(UTC)

    def now(self, zone: tzinfo) -> datetime:
        """The time that it is for the functions."""
        return (self._moment + self.passed).astimezone(zone)


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> StandingTime:
    """Let no pause end by itself, however slow the machine is."""
    time = StandingTime()
    monkeypatch.setattr(clock, "datetime", time)
    return time


@pytest.fixture(autouse=True)
def account(function: Make) -> None:
    """An account with the right password."""
    assert function("auth-signup").call("POST", json={"email": EMAIL, "password": PASSWORD}).status_code == 201


@pytest.fixture
def signin(function: Make) -> Function:
    return function("auth-signin")


def attempt(signin: Function, password: str = WRONG, network: str = HOME, email: str = EMAIL) -> TestResponse:
    credentials = {"email": email, "password": password}
    return signin.call("POST", json=credentials, headers={"X-Client-Address": network})


def fail(signin: Function, times: int, network: str = HOME, email: str = EMAIL) -> Statuses:
    return [attempt(signin, network=network, email=email).status_code for _ in range(times)]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many wrong passwords are free for an account: few, so that a test is short."""
    monkeypatch.setattr(attempts, "FREE_PER_ACCOUNT", 2 * FREE_PER_NETWORK)
    return 2 * FREE_PER_NETWORK


def strangers(signin: Function, times: int) -> None:
    """Let strangers send so many wrong passwords, each network as many as it may."""
    for number in range(times // FREE_PER_NETWORK):
        assert fail(signin, FREE_PER_NETWORK, f"198.51.100.{number}") == [400] * FREE_PER_NETWORK


@pytest.mark.parametrize(
    ("excess", "seconds"), [(-5, 0), (-1, 0), (0, 1), (1, 2), (2, 4), (9, 512), (10, 900), (1_000_000, 900)]
)
def test_pauses_double_up_to_a_quarter_of_an_hour(excess: int, seconds: int) -> None:
    assert domain.pause(excess) == timedelta(seconds=seconds)


@pytest.mark.usefixtures("frozen")
def test_of_300_wrong_passwords_in_a_row_five_are_compared(signin: Function) -> None:
    with counted_hashing() as hashed:
        assert fail(signin, 300) == [400] * FREE_PER_NETWORK + [429] * 295
    assert len(hashed) == FREE_PER_NETWORK


@pytest.mark.usefixtures("frozen")
def test_no_more_are_compared_if_they_come_at_once(signin: Function) -> None:
    with counted_hashing() as hashed:
        answers = at_once(signin, lambda _: attempt(signin).status_code, range(40))
    assert len(hashed) == answers.count(400) <= FREE_PER_NETWORK
    assert answers.count(429) == 40 - answers.count(400)


def test_a_pause_is_told_and_ends_and_the_next_one_is_longer(signin: Function, frozen: StandingTime) -> None:
    fail(signin, FREE_PER_NETWORK)
    for seconds in (1, 2, 4, 8):
        refused = attempt(signin, PASSWORD)  # though it is the right one
        assert said(refused) == TOO_MANY
        assert refused.headers["Retry-After"] == str(seconds)
        frozen.passed += timedelta(seconds=seconds)
        assert said(attempt(signin)) == INVALID


def test_a_right_password_after_the_pause_signs_in_and_takes_the_failures_back(
    signin: Function, frozen: StandingTime
) -> None:
    fail(signin, FREE_PER_NETWORK)
    frozen.passed += timedelta(seconds=1)
    assert attempt(signin, PASSWORD).status_code == 200
    assert fail(signin, FREE_PER_NETWORK + 1) == [400] * FREE_PER_NETWORK + [429]


def test_failures_are_forgotten_after_a_day(signin: Function, frozen: StandingTime) -> None:
    fail(signin, FREE_PER_NETWORK)
    frozen.passed += timedelta(days=1, seconds=2)
    assert fail(signin, FREE_PER_NETWORK + 1) == [400] * FREE_PER_NETWORK + [429]


@pytest.mark.usefixtures("frozen")
def test_a_session_goes_on_while_signing_in_is_paused(signin: Function, function: Make) -> None:
    fail(signin, FREE_PER_NETWORK + 1)
    assert (function("auth-current-user").call("GET", user=User(EMAIL)).json or {})["currentUser"]["email"] == EMAIL


@pytest.mark.usefixtures("frozen")
def test_another_network_and_another_account_are_not_paused(signin: Function) -> None:
    fail(signin, FREE_PER_NETWORK + 1)
    assert attempt(signin, PASSWORD, "203.0.113.8").status_code == 200
    assert said(attempt(signin, email="eve@example.com")) == INVALID


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize(
    "networks",
    [
        ["2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::1"],
        ["203.0.113.7", "::ffff:203.0.113.7"],
        ["", "nonsense", "203.0.113.7, 203.0.113.8"],
    ],
    ids=["one network of IPv6", "one address in two forms", "no address"],
)
def test_one_client_in_disguise_is_one_client(signin: Function, networks: list[str]) -> None:
    answers = [attempt(signin, network=network).status_code for network in networks * FREE_PER_NETWORK]
    assert answers.count(400) == FREE_PER_NETWORK


@pytest.mark.usefixtures("frozen")
def test_an_unknown_email_is_told_the_same(signin: Function) -> None:
    pairs = [(attempt(signin), attempt(signin, email="unknown@example.com")) for _ in range(FREE_PER_NETWORK + 3)]
    for known, unknown in pairs:
        assert said(known) == said(unknown)
        assert known.headers.get("Retry-After") == unknown.headers.get("Retry-After")


@pytest.mark.usefixtures("frozen")
def test_an_email_is_the_same_in_upper_and_lower_case(signin: Function) -> None:
    assert fail(signin, FREE_PER_NETWORK, email=EMAIL.upper()) == [400] * FREE_PER_NETWORK
    assert said(attempt(signin)) == TOO_MANY


@pytest.mark.usefixtures("frozen")
def test_strangers_in_many_networks_are_paused_together_and_the_owner_is_not(signin: Function, few: int) -> None:
    assert attempt(signin, PASSWORD).status_code == 200
    strangers(signin, few)
    assert said(attempt(signin, PASSWORD, "192.0.2.1")) == TOO_MANY
    assert attempt(signin, PASSWORD).status_code == 200


def test_an_owner_elsewhere_gets_in_after_the_strangers_pause(signin: Function, frozen: StandingTime, few: int) -> None:
    strangers(signin, few)
    assert said(attempt(signin, PASSWORD)) == TOO_MANY
    frozen.passed += timedelta(seconds=1)
    assert attempt(signin, PASSWORD).status_code == 200


def test_rows_end_by_themselves(signin: Function, auth_store: Store) -> None:
    fail(signin, 1)
    assert auth_store["attempts"].index_information()["expiresAt_1"]["expireAfterSeconds"] == 0
    for row in auth_store["attempts"].find():
        assert timedelta(hours=23) < row["expiresAt"] - row["nextAt"] < timedelta(hours=25)
        assert EMAIL not in repr(row)
        assert HOME not in repr(row)


def test_an_invalid_request_is_no_attempt(signin: Function, auth_store: Store) -> None:
    assert signin.call("POST", json={"email": EMAIL}).status_code == 400
    assert auth_store["attempts"].count_documents({}) == 0
