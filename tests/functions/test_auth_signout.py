"""auth-signout: POST /api/users/signout."""

import pytest

from tests.functions.harness import Make, User, said

USER = User()


@pytest.mark.parametrize("user", [USER, None], ids=["signed in", "signed out already"])
def test_clears_the_cookie_after_signing_out(function: Make, user: User | None) -> None:
    response = function("auth-signout").call("POST", user=user)
    assert said(response) == (200, {})
    assert response.headers.getlist("Set-Cookie") == [
        "__Host-session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
        "session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0",
    ]


def test_clears_a_cookie_of_one_machine_with_the_same_attributes(function: Make) -> None:
    response = function("auth-signout", COOKIE_SECURE="false").call("POST")
    assert response.headers.getlist("Set-Cookie") == ["session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"]
