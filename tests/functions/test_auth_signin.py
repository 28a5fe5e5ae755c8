"""auth-signin: POST /api/users/signin."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import jwt
import pytest
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from tests.functions.harness import PUBLIC_KEY, Function, Make, Store, refusal, said

EMAIL, PASSWORD = "ada@example.com", "correct horse"


@pytest.fixture
def account(function: Make) -> object:
    return function("auth-signup").call("POST", json={"email": EMAIL, "password": PASSWORD}).json


@pytest.fixture
def signin(function: Make) -> Function:
    return function("auth-signin")


def sign_in(signin: Function, email: object = EMAIL, password: object = PASSWORD) -> TestResponse:
    return signin.call("POST", json={"email": email, "password": password})


@pytest.mark.parametrize("email", [EMAIL, " ADA@Example.com "])
def test_responds_with_the_account_when_given_valid_credentials(signin: Function, account: object, email: str) -> None:
    assert said(sign_in(signin, email)) == (200, account)


def test_responds_with_a_cookie_when_given_valid_credentials(signin: Function, account: dict[str, str]) -> None:
    header = sign_in(signin).headers["Set-Cookie"]
    cookie = re.fullmatch("__Host-session=([^;]+); Path=/; HttpOnly; SameSite=Lax; Secure", header)
    assert cookie
    claims = jwt.decode(cookie[1], PUBLIC_KEY, ["EdDSA"])
    assert claims == account | {"iat": claims["iat"], "exp": claims["iat"] + 24 * 3600}


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("email", "password"),
    [(EMAIL, "wrong horse"), (EMAIL, "x" * 100_00), (EMAIL, PASSWORD + " "), ("stranger@example.com", PASSWORD)],
    ids=["wrong password", "password of no account", "password and a space", "unknown email"],
)
def test_fails_alike_for_a_wrong_password_and_an_unknown_email(
    signin: Function, auth_store: Store, email: str, password: str
) -> None:
    before = auth_store.dump()["users"]
    response = sign_in(signin, email, password)
    assert said(response) == refusal(400, "Invalid credentials")
    assert "Set-Cookie" not in response.headers
    assert auth_store.dump()["users"] == before


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize("email", [EMAIL, "stranger@example.com"])
def test_compares_one_hash_of_the_same_cost_whether_or_not_the_account_exists(signin: Function, email: str) -> None:
    with counted_hashing() as costs:
        sign_in(signin, email, "wrong horse")
    assert costs == ["$argon2id$v=19$m=19456,t=2,p=1$"]


COMPOSED, DECOMPOSED = "pässwörd1", "pa\u0308sswo\u0308rd1"


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("sent", [COMPOSED, DECOMPOSED])
def test_a_password_is_the_same_however_a_keyboard_composes_it(function: Make, chosen: str, sent: str) -> None:
    account = function("auth-signup").call("POST", json={"email": EMAIL, "password": chosen}).json
    assert said(sign_in(function("auth-signin"), password=sent)) == (200, account)


def test_a_password_is_the_same_with_another_keyboards_space(function: Make) -> None:
    account = function("auth-signup").call("POST", json={"email": EMAIL, "password": "correct\u00a0horse"}).json
    assert said(sign_in(function("auth-signin"))) == (200, account)


@pytest.mark.usefixtures("account")
def test_a_hash_from_before_passwords_were_normalised_matches_as_it_was_sent(
    signin: Function, auth_store: Store
) -> None:
    older = {"passwordHash": PasswordHasher(memory_cost=19456, time_cost=2, parallelism=1).hash(DECOMPOSED)}
    auth_store["users"].update_one({}, {"$set": older})
    assert sign_in(signin, password=DECOMPOSED).status_code == 200
    assert said(sign_in(signin, password=COMPOSED)) == refusal(400, "Invalid credentials")


@pytest.mark.parametrize("password", ["", None, 5, True, [], {}])
def test_returns_a_400_without_a_password(signin: Function, password: object) -> None:
    assert said(sign_in(signin, password=password)) == refusal(400, ("password", "You must supply a password"))


@pytest.mark.parametrize("email", ["", "ada", None, 5, {"$ne": None}])
def test_returns_a_400_with_an_invalid_email(signin: Function, email: object) -> None:
    assert said(sign_in(signin, email)) == refusal(400, ("email", "Email must be valid"))


def test_returns_a_400_that_names_a_missing_email_and_password_at_once(signin: Function) -> None:
    problems = ("email", "Email must be valid"), ("password", "You must supply a password")
    assert said(signin.call("POST", json={})) == refusal(400, *problems)


@contextmanager
def counted_hashing() -> Iterator[list[str]]:
    """The parameters of every hash computed meanwhile."""
    costs: list[str] = []
    patch = pytest.MonkeyPatch()
    hash_of, verify = PasswordHasher.hash, PasswordHasher.verify

    def counted_hash(hasher: PasswordHasher, password: str) -> str:
        made = hash_of(hasher, password)
        costs.append(made[: made.index("p=1$") + 4])
        return made

    def counted_verify(hasher: PasswordHasher, known: str, password: str) -> bool:
        costs.append(known[: known.index("p=1$") + 4])
        return verify(hasher, known, password)

    patch.setattr(PasswordHasher, "hash", counted_hash)
    patch.setattr(PasswordHasher, "verify", counted_verify)
    yield costs
    patch.undo()
