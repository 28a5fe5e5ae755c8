"""GET /api/payments/config: what a browser needs to know to pay."""

import os

import functions_framework
from flask import Request

from functions.shared.web.http import Response, ok, route

LIVE_KEYS = "pk_live_"
SECRET_KEYS = ("sk_", "rk_")


@functions_framework.http
@route
def show_config(_: Request) -> Response:
    """Return 200 `{provider, publishableKey, testCards}`; with `testCards` no real card is charged."""
    key = os.environ["STRIPE_PUBLISHABLE_KEY"].strip()
    if not key or key.startswith(SECRET_KEYS):
        raise ValueError("STRIPE_PUBLISHABLE_KEY is empty, or holds a secret key")
    return ok({"provider": "stripe", "publishableKey": key, "testCards": not key.startswith(LIVE_KEYS)})
