"""POST /api/users/signout: end the session of this client."""

import functions_framework
from flask import Request

from functions.shared.web.cookie import clear_cookies
from functions.shared.web.http import Response, ok, route


@functions_framework.http
@route
def sign_out(_: Request) -> Response:
    """Return 200 `{}` and clear the cookie. The token itself stays valid until it expires."""
    return ok({}, cookies=clear_cookies())
