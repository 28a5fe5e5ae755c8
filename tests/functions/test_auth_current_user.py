"""auth-current-user: GET /api/users/currentuser."""

from http.cookies import SimpleCookie

from tests.functions.harness import Make, User, said


def test_responds_with_details_about_the_current_user(function: Make) -> None:
    user = User("ada@example.com")
    details = {"id": user.id, "email": "ada@example.com", "iat": user.claims["iat"]}
    assert said(function("auth-current-user").call("GET", user=user)) == (200, {"currentUser": details})


def test_responds_with_null_if_not_authenticated(function: Make) -> None:
    assert said(function("auth-current-user").call("GET")) == (200, {"currentUser": None})


def test_knows_who_just_signed_up_by_their_cookie(function: Make) -> None:
    signed_up = function("auth-signup").call("POST", json={"email": "ada@example.com", "password": "password"})
    session = SimpleCookie(signed_up.headers["Set-Cookie"])["__Host-session"].value
    response = function("auth-current-user").call("GET", headers={"Cookie": f"__Host-session={session}"})
    current = (response.json or {})["currentUser"]
    assert current == (signed_up.json or {}) | {"iat": current["iat"]}


def test_shows_no_user_after_signing_out(function: Make) -> None:
    signed_out = function("auth-signout").call("POST")
    session = SimpleCookie(signed_out.headers["Set-Cookie"])["__Host-session"].value
    response = function("auth-current-user").call("GET", headers={"Cookie": f"__Host-session={session}"})
    assert said(response) == (200, {"currentUser": None})
