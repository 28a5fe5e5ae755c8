"""auth-signup: POST /api/users/signup."""

import re

import jwt
import pytest
from werkzeug.test import TestResponse

from functions.auth import emails
from tests.functions.harness import PUBLIC_KEY, Function, Make, Store, at_once, refusal, said

INVALID_EMAIL = ("email", "Email must be valid")
PASSWORD = "correct horse"
INVALID_PASSWORD = ("password", "Password must be between 8 and 128 characters")


@pytest.fixture
def signup(function: Make) -> Function:
    return function("auth-signup")


def sign_up(signup: Function, email: object = "a@example.com", password: object = PASSWORD) -> TestResponse:
    return signup.call("POST", json={"email": email, "password": password})


def test_returns_a_201_on_successful_signup(signup: Function, auth_store: Store) -> None:
    status, body = said(sign_up(signup, " Ada@Example.com "))
    [row] = auth_store["users"].find()
    assert (status, body) == (201, {"id": str(row["_id"]), "email": "Ada@example.com"})


def test_stores_the_password_as_an_argon2id_hash_only(signup: Function, auth_store: Store) -> None:
    sign_up(signup, password="a secret password")
    assert "a secret password" not in repr(auth_store.dump())
    assert auth_store.dump()["users"][0]["passwordHash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_sets_a_cookie_after_successful_signup(signup: Function) -> None:
    response = sign_up(signup)
    cookie = re.fullmatch(
        "__Host-session=([^;]+); Path=/; HttpOnly; SameSite=Lax; Secure", response.headers["Set-Cookie"]
    )
    assert cookie
    claims = jwt.decode(cookie[1], PUBLIC_KEY, ["EdDSA"])
    assert claims == (response.json or {}) | {"iat": claims["iat"], "exp": claims["iat"] + 24 * 3600}


def test_sets_a_cookie_that_works_without_tls_on_one_machine_only(function: Make) -> None:
    response = sign_up(function("auth-signup", COOKIE_SECURE="false"))
    assert response.headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax")


@pytest.mark.parametrize(
    "email",
    ["", "ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a\0@example.com", "a@b@example.com",
     "a@example.com\nBcc: b@example.com", f"{'a' * 250}@example.com", None, True, 5, ["ada@example.com"], {}],
)  # fmt: skip
def test_returns_a_400_with_an_invalid_email(signup: Function, auth_store: Store, email: object) -> None:
    before = auth_store.dump()
    assert said(sign_up(signup, email)) == refusal(400, INVALID_EMAIL)
    assert auth_store.dump() == before


def test_takes_the_longest_email_there_can_be(signup: Function) -> None:
    longest = f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 57}.com"
    assert len(longest) == emails.MAX_ADDRESS
    assert sign_up(signup, longest).status_code == 201


def test_does_not_look_into_a_longer_one(signup: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(emails, "validate_email", lambda text, **_: seen.append(text))
    accents = "a" + "\u0345" * 5000 + "\u0316" * 5000  # whose normal form takes the square of their number
    for email in (accents + "@example.com", f"{'a' * 243}@example.com"):
        assert said(sign_up(signup, email)) == refusal(400, INVALID_EMAIL)
    assert seen == []


@pytest.mark.parametrize("password", ["", "1234567", "x" * 129, None, 12345678, True, ["password"], {}])
def test_returns_a_400_with_an_invalid_password(signup: Function, auth_store: Store, password: object) -> None:
    before = auth_store.dump()
    assert said(sign_up(signup, password=password)) == refusal(400, INVALID_PASSWORD)
    assert auth_store.dump() == before


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "пароль-🔑🔑"])
def test_takes_passwords_of_8_to_128_characters(signup: Function, password: str) -> None:
    assert sign_up(signup, password=password).status_code == 201


def test_returns_a_400_that_names_a_missing_email_and_password_at_once(signup: Function) -> None:
    assert said(signup.call("POST", json={})) == refusal(400, INVALID_EMAIL, INVALID_PASSWORD)


@pytest.mark.parametrize("again", ["ada@example.com", "ADA@EXAMPLE.COM"])
def test_disallows_duplicate_emails_in_upper_or_lower_case(signup: Function, auth_store: Store, again: str) -> None:
    sign_up(signup, "ada@example.com")
    before = auth_store.dump()
    response = sign_up(signup, again)
    assert said(response) == refusal(400, "Email in use")
    assert "Set-Cookie" not in response.headers
    assert auth_store.dump() == before


def test_opens_one_account_when_twenty_ask_for_the_same_email_at_once(signup: Function, auth_store: Store) -> None:
    answers = at_once(signup, lambda _: sign_up(signup).status_code, range(20))
    assert sorted(answers) == [201] + [400] * 19
    assert auth_store["users"].count_documents({}) == 1


def test_without_the_unique_index_the_same_email_gets_several_accounts(signup: Function, auth_store: Store) -> None:
    sign_up(signup, "first@example.com")
    auth_store["users"].drop_index("emailKey_1")
    try:
        answers = at_once(signup, lambda _: sign_up(signup).status_code, range(20))
        assert answers.count(201) > 1
    finally:
        auth_store.clear()
        auth_store["users"].create_index("emailKey", unique=True)
