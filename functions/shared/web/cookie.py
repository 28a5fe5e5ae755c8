"""The cookie that carries a session; apart from the token in it, so that signing out needs no key."""

import os

from flask import Request

# A browser takes a cookie of this name only with Secure and Path=/ and without Domain: so no neighbouring host can have
# set it (RFC 6265bis, section 4.1.3.2).
SECURE_NAME = "__Host-session"
NAME = "session"  # without TLS, and in releases up to 0.1


def read(request: Request, *, accept_older: bool) -> str | None:
    """Return the token in a request's cookie; None without one, or with two of its name, of which one may be planted.

    `accept_older` also accepts the cookie of releases up to 0.1, if there is no other.
    """
    for name in (_name(), NAME) if accept_older else (_name(),):
        if found := request.cookies.getlist(name):
            return found[0] if len(found) == 1 else None
    return None


def set_cookie(token: str) -> str:
    """Return the Set-Cookie header that starts a session. It ends with the browser's, or with the token's day."""
    return f"{_name()}={token}; {_attributes()}"


def clear_cookies() -> list[str]:
    """Return the Set-Cookie headers that end a session, also one of a release up to 0.1."""
    return [f"{name}=; {_attributes()}; Max-Age=0" for name in dict.fromkeys((_name(), NAME))]


def _name() -> str:
    return SECURE_NAME if _is_secure() else NAME


def _attributes() -> str:
    return f"Path=/; HttpOnly; SameSite=Lax{'; Secure' if _is_secure() else ''}"


def _is_secure() -> bool:
    # Plain HTTP on one machine is the only place where the cookie may travel without TLS.
    return os.environ.get("COOKIE_SECURE") != "false"
