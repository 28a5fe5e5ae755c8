"""GET / and everything outside of /api/: the storefront's pages and their files."""

import os
from http import HTTPStatus
from pathlib import Path

import functions_framework
from flask import Request, Response

from functions.shared.web.http import observed
from functions.storefront import pages
from ui import files

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
DEFAULT_PROVIDER_SCRIPT = "https://js.stripe.com/v3/"

_assets = files.load(Path(__file__).parent / "assets")


@functions_framework.http
def serve_storefront(request: Request) -> Response:
    """→ 200 page or file, 304 if the browser has it, 404 with a page that says so."""
    if request.path == "/healthz":
        return Response("ok", mimetype="text/plain")
    return observed(request, request.method, lambda: _respond(request))


def _respond(request: Request) -> Response:
    if request.path.startswith("/assets/"):
        return _file(request.path)
    return _page(request)


def _file(path: str) -> Response:
    """A path with another version's fingerprint is 404, so that no page mixes files of two versions."""
    if found := _assets.find(path):
        return Response(found.content, headers={"Cache-Control": FOREVER}, content_type=found.media_type)
    return Response("Not Found", HTTPStatus.NOT_FOUND, mimetype="text/plain")


def _page(request: Request) -> Response:
    script = os.environ.get("STRIPE_JS_URL") or DEFAULT_PROVIDER_SCRIPT
    page = pages.render(request.path, request.query_string.decode("ascii", "replace"), _assets, script)
    headers = {"ETag": page.etag, "Cache-Control": ASK_AGAIN, "Content-Security-Policy": page.policy}
    if request.if_none_match.contains_weak(page.etag.strip('"')):
        return Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    status = HTTPStatus.NOT_FOUND if pages.name_of(request.path) == pages.MISSING else HTTPStatus.OK
    return Response(page.html, status, headers, content_type="text/html; charset=utf-8")
