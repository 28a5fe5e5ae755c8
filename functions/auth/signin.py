"""POST /api/users/signin: start a session."""

import functions_framework
from flask import Request

from functions.auth import attempts, domain, repository
from functions.auth.emails import parse_email
from functions.auth.passwords import matches
from functions.shared.web import client
from functions.shared.web.body import fields
from functions.shared.web.cookie import set_cookie
from functions.shared.web.http import Response, ok, route
from functions.shared.web.session import issue


@functions_framework.http
@route
def sign_in(request: Request) -> Response:
    """Take `{email, password}`; return 200 `{id, email}` and a session cookie."""
    with fields(request) as body:
        email = body.read("email", parse_email)
        spellings = body.read("password", domain.parse_password)
    attempt = attempts.begin(email, client.network(request))
    account = repository.find(email)
    if not matches(account.password_hash if account else None, spellings) or account is None:
        raise domain.InvalidCredentials
    attempts.succeed(attempt)
    token = issue(account.id, account.email)
    return ok({"id": account.id, "email": account.email}, cookies=[set_cookie(token)])
