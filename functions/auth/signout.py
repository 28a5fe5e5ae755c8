"""POST /api/users/signout: end the session of this client."""

import functions_framework
from flask import Request

from functions.shared.web.cookie import clear_cookie
from functions.shared.web.http import Answer, ok, route


@functions_framework.http
@route
def sign_out(_: Request) -> Answer:
    """→ 200 `{}`, the cookie cleared. The token itself stays good until it expires."""
    return ok({}, **{"Set-Cookie": clear_cookie()})
