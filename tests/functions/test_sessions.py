"""Who is signed in: tokens in the cookie and in the Authorization header, good and bad."""

import time

import jwt
import pytest

from tests.functions.harness import JWT_KEY, Make, Store, User, new_id, refusal, said

NOBODY = (200, {"currentUser": None})
GUARDED = {
    "tickets-create": ("POST", "/api/tickets"),
    "tickets-update": ("PUT", f"/api/tickets/{new_id()}"),
    "tickets-delete": ("DELETE", f"/api/tickets/{new_id()}"),
    "orders-create": ("POST", "/api/orders"),
    "orders-list": ("GET", "/api/orders"),
    "orders-show": ("GET", f"/api/orders/{new_id()}"),
    "orders-cancel": ("DELETE", f"/api/orders/{new_id()}"),
}


def tampered(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = parts[part][:-2] + ("AA" if parts[part][-2:] != "AA" else "BB")
    return ".".join(parts)


def with_header(token: str, header: bytes) -> str:
    return ".".join([jwt.utils.base64url_encode(header).decode(), *token.split(".")[1:]])


NOW = int(time.time())
GOOD = User().token()
BAD_TOKENS = {
    "expired": User(exp=NOW - 1).token(),
    "not valid yet": User(nbf=NOW + 3600).token(),
    "without expiry": User(exp=None).token(),
    "expiry that is no time": jwt.encode(User().claims | {"exp": "never"}, JWT_KEY),
    "without id": User(id=None).token(),
    "without email": jwt.encode({"id": new_id(), "iat": NOW, "exp": NOW + 3600}, JWT_KEY),
    "without iat": User(iat=None).token(),
    "id of another kind": User(id="admin").token(),
    "id that is a number": User(id=1).token(),
    "email that is a number": jwt.encode(User().claims | {"email": 1}, JWT_KEY),
    "iat that is a string": User(iat="today").token(),
    "without claims": jwt.encode({}, JWT_KEY),
    "of another key": User().token("another key that is as long as it has to be"),
    "of another algorithm": User().token(algorithm="HS512"),
    "alg none": jwt.encode(User().claims, "", algorithm="none"),
    "alg none over a good signature": with_header(GOOD, b'{"alg": "none", "typ": "JWT"}'),
    "alg that is a list": with_header(GOOD, b'{"alg": ["HS256"]}'),
    "header of deep nesting": with_header(GOOD, b"[" * 4_000),
    "header that is no JSON": with_header(GOOD, b"\xff"),
    "tampered claims": tampered(GOOD, 1),
    "tampered signature": tampered(GOOD, 2),
    "without signature": GOOD.rpartition(".")[0] + ".",
    "two parts": GOOD.rpartition(".")[0],
    "four parts": GOOD + ".AAAA",
    "no token": "hello",
    "outside of ASCII": "\u00fc\u00ff",
    "empty": "",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
@pytest.mark.parametrize(("header", "prefix"), [("Authorization", "Bearer "), ("Cookie", "session=")])
def test_a_bad_token_is_no_session(function: Make, header: str, prefix: str, token: str) -> None:
    response = function("auth-current-user").call("GET", headers={header: prefix + token})
    assert said(response) == NOBODY


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_sells_no_ticket(function: Make, tickets_store: Store, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"title": "Jazz night", "price": 20}
    response = function("tickets-create").call("POST", json=body, headers=headers)
    assert said(response) == refusal(401, "Not authorized")
    assert tickets_store.dump() == {}


@pytest.mark.parametrize("name", GUARDED)
def test_can_only_be_accessed_if_the_user_is_signed_in(function: Make, name: str) -> None:
    method, path = GUARDED[name]
    assert said(function(name).call(method, path)) == refusal(401, "Not authorized")


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer a b", "Basic YTpi", GOOD, "Digest " + GOOD, "bearer\t" + GOOD],
)
def test_an_authorization_of_another_form_is_no_session(function: Make, authorization: str) -> None:
    response = function("auth-current-user").call("GET", headers={"Authorization": authorization})
    assert said(response) == NOBODY


@pytest.mark.parametrize("cookie", ["session", "session=", "Session=" + GOOD, "sess=" + GOOD, ";;=;", "\u00ff"])
def test_a_cookie_of_another_form_is_no_session(function: Make, cookie: str) -> None:
    assert said(function("auth-current-user").call("GET", headers={"Cookie": cookie})) == NOBODY


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"theme=dark; session={GOOD}"},
        {"Cookie": f'session="{GOOD}"'},
        {"Authorization": f"bearer {GOOD}"},
        {"Authorization": "Basic YTpi", "Cookie": f"session={GOOD}"},
    ],
)
def test_a_good_token_is_found(function: Make, headers: dict[str, str]) -> None:
    assert said(function("auth-current-user").call("GET", headers=headers)) != NOBODY


def test_a_bearer_token_counts_before_the_cookie(function: Make) -> None:
    user = User()
    response = function("auth-current-user").call("GET", user=user, headers={"Cookie": f"session={GOOD}"})
    assert (response.json or {})["currentUser"]["id"] == user.id


def test_a_token_of_a_clock_that_is_ahead_is_good(function: Make) -> None:
    assert said(function("auth-current-user").call("GET", user=User(iat=NOW + 5))) != NOBODY


def test_without_a_key_every_session_is_refused(function: Make) -> None:
    token = jwt.encode(User().claims, "\0" * 32)
    response = function("tickets-create", JWT_KEY="").call("POST", headers={"Authorization": f"Bearer {token}"})
    assert said(response) == refusal(500, "Something went wrong")


NEXT_KEY = "the key that takes its place, as long as it has to be"
ROTATION = [JWT_KEY, f"{JWT_KEY}\n{NEXT_KEY}", f"{NEXT_KEY}\n{JWT_KEY}", NEXT_KEY]  # what JWT_KEY is, step by step


@pytest.mark.parametrize("step", [0, 1, 2])
def test_two_keys_keep_all_sessions_while_one_takes_the_others_place(function: Make, step: int) -> None:
    """While a step is under way some functions have taken it and others have not, and each may sign people in."""
    stages = ROTATION[step : step + 2]
    for email, issuing in zip(("a@example.com", "b@example.com"), stages, strict=True):
        who = {"email": email, "password": "open sesame"}
        signed_up = function("auth-signup", JWT_KEY=issuing).call("POST", json=who)
        session = signed_up.headers["Set-Cookie"].partition(";")[0]
        for asked in stages:
            response = function("auth-current-user", JWT_KEY=asked).call("GET", headers={"Cookie": session})
            assert (response.json or {})["currentUser"]["email"] == email


def test_a_key_that_is_taken_out_verifies_no_session_any_more(function: Make) -> None:
    response = function("auth-current-user", JWT_KEY=NEXT_KEY).call("GET", user=User())
    assert said(response) == NOBODY


def test_two_keys_are_not_a_third_one(function: Make) -> None:
    both = f"{JWT_KEY}\n{NEXT_KEY}"
    forged = {"Authorization": f"Bearer {User().token(both)}"}
    assert said(function("auth-current-user", JWT_KEY=both).call("GET", headers=forged)) == NOBODY
