"""The cookie that carries a session; apart from the token in it, so that signing out needs no key."""

import os

COOKIE = "session"


def set_cookie(token: str) -> str:
    """Return the Set-Cookie header that starts a session. It ends with the browser's, or with the token's day."""
    return f"{COOKIE}={token}; {_attributes()}"


def clear_cookie() -> str:
    """Return the Set-Cookie header that ends a session."""
    return f"{COOKIE}=; {_attributes()}; Max-Age=0"


def _attributes() -> str:
    # Plain HTTP on one machine is the only place where the cookie may travel without TLS.
    secure = "" if os.environ.get("COOKIE_SECURE") == "false" else "; Secure"
    return f"Path=/; HttpOnly; SameSite=Lax{secure}"
