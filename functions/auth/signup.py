"""POST /api/users/signup: create an account and start a session."""

from functools import partial

import functions_framework
from flask import Request

from functions.auth import domain, repository
from functions.auth.emails import parse_email
from functions.auth.passwords import hash_password
from functions.shared.storage.database import new_id
from functions.shared.web.body import fields
from functions.shared.web.cookie import set_cookie
from functions.shared.web.http import Response, created, route
from functions.shared.web.idempotency import anyone, idempotent, save_response
from functions.shared.web.session import issue


@functions_framework.http
@route
@idempotent(by=anyone)
def sign_up(request: Request) -> Response:
    """Take `{email, password}`; return 201 `{id, email}` and a session cookie."""
    with fields(request) as body:
        email = body.read("email", parse_email)
        password = body.read("password", domain.parse_new_password)
    account = domain.Account(new_id(), email, hash_password(password))
    token = issue(account.id, account.email)
    response = created({"id": account.id, "email": account.email}, cookies=[set_cookie(token)])
    repository.add(account, partial(save_response, response))
    return response
