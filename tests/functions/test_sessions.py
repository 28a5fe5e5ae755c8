"""Who is signed in: tokens in the cookie and in the Authorization header, good and bad."""

import hmac
import json
import time

import jwt
import pytest

from events import keyring
from local import keys
from tests.eventually import eventually
from tests.functions.harness import PUBLIC_KEY, SIGNING_KEY, Make, Store, User, new_id, refusal, said

SIGNED_OUT = (200, {"currentUser": None})
GUARDED = {
    "tickets-create": ("POST", "/api/tickets"),
    "tickets-update": ("PUT", f"/api/tickets/{new_id()}"),
    "tickets-delete": ("DELETE", f"/api/tickets/{new_id()}"),
    "orders-create": ("POST", "/api/orders"),
    "orders-list": ("GET", "/api/orders"),
    "orders-show": ("GET", f"/api/orders/{new_id()}"),
    "orders-cancel": ("DELETE", f"/api/orders/{new_id()}"),
}


JWT_KEY = "a key that only these tests know, and that is long enough for an HMAC of any size"
NEXT_SIGNING_KEY = keys.generate("SESSION_SIGNING_KEY")
NEXT_PUBLIC_KEY = keys.public_key(NEXT_SIGNING_KEY)
[KEY_ID], [NEXT_KEY_ID] = (keyring.read_public_keys(pem) for pem in (PUBLIC_KEY, NEXT_PUBLIC_KEY))


def tampered(token: str, part: int) -> str:
    parts = token.split(".")
    parts[part] = parts[part][:-2] + ("AA" if parts[part][-2:] != "AA" else "BB")
    return ".".join(parts)


def with_header(token: str, header: bytes) -> str:
    return ".".join([jwt.utils.base64url_encode(header).decode(), *token.split(".")[1:]])


def signed_with_hmac(secret: bytes) -> str:
    """A token of HS256 with any secret: PyJWT itself signs none with a public key."""
    header = b'{"alg": "HS256", "kid": "' + KEY_ID.encode() + b'"}'
    parts = [jwt.utils.base64url_encode(part) for part in (header, json.dumps(User().claims).encode())]
    content = b".".join(parts)
    signature = jwt.utils.base64url_encode(hmac.digest(secret, content, "sha256"))
    return b".".join([content, signature]).decode()


def of_hmac(key: str = JWT_KEY) -> str:
    """A token as releases up to 0.1 signed it."""
    return jwt.encode(User().claims, key, "HS256")


def of_key_id(its_id: str | None) -> str:
    """A token of the right key, under another id or none."""
    return jwt.encode(User().claims, SIGNING_KEY, "EdDSA", headers={} if its_id is None else {"kid": its_id})


NOW = int(time.time())
GOOD = User().token()
BAD_TOKENS = {
    "expired": User(exp=NOW - 1).token(),
    "not valid yet": User(nbf=NOW + 3600).token(),
    "without expiry": User(exp=None).token(),
    "expiry that is no time": keyring.sign(User().claims | {"exp": "never"}, SIGNING_KEY),
    "without id": User(id=None).token(),
    "without email": keyring.sign({"id": new_id(), "iat": NOW, "exp": NOW + 3600}, SIGNING_KEY),
    "without iat": User(iat=None).token(),
    "id of another kind": User(id="admin").token(),
    "id that is a number": User(id=1).token(),
    "email that is a number": keyring.sign(User().claims | {"email": 1}, SIGNING_KEY),
    "iat that is a string": User(iat="today").token(),
    "without claims": keyring.sign({}, SIGNING_KEY),
    "of another key": User().token(NEXT_SIGNING_KEY),
    "of another key under this key's id": with_header(
        User().token(NEXT_SIGNING_KEY), f'{{"alg": "EdDSA", "kid": "{KEY_ID}"}}'.encode()
    ),
    "without a key id": of_key_id(None),
    "of an unknown key id": of_key_id(NEXT_KEY_ID),
    "of an empty key id": of_key_id(""),
    "key id that is a number": with_header(GOOD, b'{"alg": "EdDSA", "kid": 1}'),
    "HS256 without JWT_KEY": of_hmac(),
    "HS256 with the public key as its secret": signed_with_hmac(PUBLIC_KEY.encode()),
    "HS256 with the public key's bytes as its secret": signed_with_hmac(keyring.read_public_keys(PUBLIC_KEY)[KEY_ID]),
    "EdDSA that says HS256": with_header(GOOD, f'{{"alg": "HS256", "kid": "{KEY_ID}"}}'.encode()),
    "HS512": jwt.encode(User().claims, JWT_KEY, "HS512"),
    "alg none": jwt.encode(User().claims, "", algorithm="none"),
    "alg none over a good signature": with_header(GOOD, b'{"alg": "none", "typ": "JWT"}'),
    "alg that is a list": with_header(GOOD, b'{"alg": ["EdDSA"]}'),
    "header of deep nesting": with_header(GOOD, b"[" * 4_000),
    "header that is no JSON": with_header(GOOD, b"\xff"),
    "tampered claims": tampered(GOOD, 1),
    "tampered signature": tampered(GOOD, 2),
    "without signature": GOOD.rpartition(".")[0] + ".",
    "two parts": GOOD.rpartition(".")[0],
    "four parts": GOOD + ".AAAA",
    "cut off": GOOD[:-10],
    "no token": "hello",
    "outside of ASCII": "\u00fc\u00ff",
    "empty": "",
}


@pytest.mark.parametrize("token", BAD_TOKENS.values(), ids=BAD_TOKENS)
@pytest.mark.parametrize(("header", "prefix"), [("Authorization", "Bearer "), ("Cookie", "__Host-session=")])
def test_a_bad_token_is_no_session(function: Make, header: str, prefix: str, token: str) -> None:
    response = function("auth-current-user").call("GET", headers={header: prefix + token})
    assert said(response) == SIGNED_OUT


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
    assert said(response) == SIGNED_OUT


OTHER_COOKIES = {
    "no value": "__Host-session",
    "an empty value": "__Host-session=",
    "another case": "__host-Session=" + GOOD,
    "another prefix": "__Secure-session=" + GOOD,
    "the name without TLS": "session=" + GOOD,
    "no cookie": ";;=;",
    "outside of ASCII": "\u00ff",
    "two of the name, the first good": f"__Host-session={GOOD}; __Host-session=hello",
    "two of the name, the second good": f"__Host-session=hello; __Host-session={GOOD}",
    "two of the name, both good": f"__Host-session={GOOD}; __Host-session={GOOD}",
}


@pytest.mark.parametrize("cookie", OTHER_COOKIES.values(), ids=OTHER_COOKIES)
def test_a_cookie_of_another_form_is_no_session(function: Make, cookie: str) -> None:
    assert said(function("auth-current-user").call("GET", headers={"Cookie": cookie})) == SIGNED_OUT


@pytest.mark.parametrize(
    ("cookie", "is_known"),
    [(f"session={GOOD}", True), (f"__Host-session={GOOD}", False), (f"session={GOOD}; session={GOOD}", False)],
)
def test_without_tls_the_cookie_has_its_plain_name(function: Make, cookie: str, is_known: bool) -> None:  # noqa: FBT001
    response = function("auth-current-user", COOKIE_SECURE="false").call("GET", headers={"Cookie": cookie})
    assert (said(response) != SIGNED_OUT) is is_known


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": f"theme=dark; __Host-session={GOOD}; session=hello"},
        {"Cookie": f'__Host-session="{GOOD}"'},
        {"Authorization": f"bearer {GOOD}"},
        {"Authorization": "Basic YTpi", "Cookie": f"__Host-session={GOOD}"},
    ],
)
def test_a_good_token_is_found(function: Make, headers: dict[str, str]) -> None:
    assert said(function("auth-current-user").call("GET", headers=headers)) != SIGNED_OUT


def test_a_bearer_token_counts_before_the_cookie(function: Make) -> None:
    user = User()
    response = function("auth-current-user").call("GET", user=user, headers={"Cookie": f"__Host-session={GOOD}"})
    assert (response.json or {})["currentUser"]["id"] == user.id


def test_a_token_of_a_clock_that_is_ahead_is_good(function: Make) -> None:
    assert said(function("auth-current-user").call("GET", user=User(iat=NOW + 5))) != SIGNED_OUT


def test_a_token_is_refused_once_it_has_expired_though_it_was_good_before(function: Make) -> None:
    user = User(exp=int(time.time()) + 2)
    current_user = function("auth-current-user")
    eventually(lambda: said(current_user.call("GET", user=user)) == SIGNED_OUT)


@pytest.mark.parametrize(
    "text", ["", "\n", SIGNING_KEY, PUBLIC_KEY[:-40]], ids=["empty", "blank", "private", "cut off"]
)
def test_without_a_usable_key_every_session_is_refused(function: Make, text: str) -> None:
    response = function("tickets-create", SESSION_PUBLIC_KEYS=text).call("POST", user=User())
    assert said(response) == refusal(500, "Something went wrong")


# What SESSION_SIGNING_KEY and SESSION_PUBLIC_KEYS are, step by step.
ROTATION = [
    (SIGNING_KEY, PUBLIC_KEY),
    (SIGNING_KEY, PUBLIC_KEY + NEXT_PUBLIC_KEY),
    (NEXT_SIGNING_KEY, PUBLIC_KEY + NEXT_PUBLIC_KEY),
    (NEXT_SIGNING_KEY, NEXT_PUBLIC_KEY),
]


@pytest.mark.parametrize("step", [0, 1])
def test_two_keys_keep_all_sessions_while_one_takes_the_others_place(function: Make, step: int) -> None:
    """While a step is under way some functions have taken it and others have not, and each may sign people in."""
    stages = ROTATION[step : step + 2]
    for email, (signing_key, _) in zip(("a@example.com", "b@example.com"), stages, strict=True):
        who = {"email": email, "password": "open sesame"}
        signed_up = function("auth-signup", SESSION_SIGNING_KEY=signing_key).call("POST", json=who)
        session = signed_up.headers["Set-Cookie"].partition(";")[0]
        for _, public_keys in stages:
            asked = function("auth-current-user", SESSION_PUBLIC_KEYS=public_keys)
            response = asked.call("GET", headers={"Cookie": session})
            assert (response.json or {})["currentUser"]["email"] == email


def test_a_key_that_is_taken_out_verifies_no_session_any_more(function: Make) -> None:
    user = User()
    assert said(function("auth-current-user").call("GET", user=user)) != SIGNED_OUT
    response = function("auth-current-user", SESSION_PUBLIC_KEYS=NEXT_PUBLIC_KEY).call("GET", user=user)
    assert said(response) == SIGNED_OUT


OLDER = {"Cookie": f"session={of_hmac()}"}, {"Authorization": f"Bearer {of_hmac()}"}


@pytest.mark.parametrize("headers", OLDER, ids=["cookie", "bearer"])
@pytest.mark.parametrize("text", [JWT_KEY, f"{JWT_KEY}\n{'x' * 32}", f"{'x' * 32}\r\n{JWT_KEY}"])
def test_sessions_of_an_older_release_go_on_while_its_key_is_given(
    function: Make, headers: dict[str, str], text: str
) -> None:
    assert said(function("auth-current-user", JWT_KEY=text).call("GET", headers=headers)) != SIGNED_OUT
    assert said(function("auth-current-user", JWT_KEY="x" * 32).call("GET", headers=headers)) == SIGNED_OUT
    assert said(function("auth-current-user").call("GET", headers=headers)) == SIGNED_OUT


def test_the_older_cookie_counts_after_the_one_of_this_release(function: Make) -> None:
    user = User()
    headers = {"Cookie": f"session={of_hmac()}; __Host-session={user.token()}"}
    response = function("auth-current-user", JWT_KEY=JWT_KEY).call("GET", headers=headers)
    assert (response.json or {})["currentUser"]["id"] == user.id


@pytest.mark.parametrize(
    "name", ["HS256 with the public key as its secret", "EdDSA that says HS256", "alg none", "HS512"]
)
def test_an_older_releases_key_lets_no_other_token_in(function: Make, name: str) -> None:
    headers = {"Authorization": f"Bearer {BAD_TOKENS[name]}"}
    assert said(function("auth-current-user", JWT_KEY=JWT_KEY).call("GET", headers=headers)) == SIGNED_OUT


def test_two_older_keys_are_not_a_third_one(function: Make) -> None:
    both = f"{JWT_KEY}\n{'x' * 32}"
    forged = {"Authorization": f"Bearer {of_hmac(both)}"}
    assert said(function("auth-current-user", JWT_KEY=both).call("GET", headers=forged)) == SIGNED_OUT
