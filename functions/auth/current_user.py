"""GET /api/users/currentuser: who am I?"""

import functions_framework
from flask import Request

from functions.shared.web.http import Answer, ok, route
from functions.shared.web.session import current_user


@functions_framework.http
@route
def show_current_user(request: Request) -> Answer:
    """→ 200 `{"currentUser": {id, email, iat}}`, or null for nobody."""
    return ok({"currentUser": current_user(request)})
