"""GET /api/users/currentuser: the user who is signed in."""

import functions_framework
from flask import Request

from functions.shared.web.http import Response, ok, route
from functions.shared.web.session import current_user


@functions_framework.http
@route
def show_current_user(request: Request) -> Response:
    """Return 200 `{"currentUser": {id, email, iat}}`, or null if the caller is not signed in."""
    return ok({"currentUser": current_user(request)})
