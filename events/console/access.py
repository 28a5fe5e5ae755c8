"""Who may use the console: an operator with the token, or on one machine any page of its own."""

import hmac
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from ui.files import Assets

COOKIE = "console"
OPEN_PATHS = ("/healthz", "/readyz", "/signin")
_SESSION_SECONDS = 12 * 3600
_LOCAL_HOSTS = {"127.0.0.1", "localhost", "::1"}
_SAFE = {"GET", "HEAD"}
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{directive} {value}" for directive, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class InvalidRequest(Exception):  # noqa: N818 "error" would repeat what "invalid" says
    """A request that cannot be carried out as it is; the text says why."""


class Access:
    """Admits requests. Without a token the console is for this machine, and answers only to its names."""

    def __init__(self, token: str, assets: Assets) -> None:
        self._token = token
        self._assets = assets

    @property
    def middleware(self) -> Middleware:
        """Return aiohttp's middleware, which also adds the headers that bind browsers."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = self._rejection(request) or await handler(request)
            if not response.prepared:
                response.headers.update(HEADERS)
            return response

        return guard

    def _rejection(self, request: web.Request) -> web.StreamResponse | None:
        """Return the response to a request that is not admitted, None for one that is."""
        if not self._token and (urlsplit(f"//{request.host}").hostname or "") not in _LOCAL_HOSTS:
            return error(HTTPStatus.MISDIRECTED_REQUEST, "this console answers to the names of its own machine only")
        if request.method not in _SAFE and is_foreign(request.headers):
            return error(HTTPStatus.FORBIDDEN, "pages of another origin may not use the console")
        if self._is_open(request.path) or self._has_token(request):
            return None
        if request.path.startswith(("/api/", "/v1/")):
            return error(HTTPStatus.UNAUTHORIZED, "sign in with the operator's token")
        raise web.HTTPSeeOther("/signin")

    def _is_open(self, path: str) -> bool:
        return not self._token or path in OPEN_PATHS or path.startswith(self._assets.prefix)

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        return self.is_token(bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE, ""))

    def is_token(self, given: str) -> bool:
        """Tell whether a text is the token, in the same time for every text."""
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        """Set the cookie for a client that sends the token in a form, and lead to the first page."""
        given = (await request.post()).get("token", "")
        if not (isinstance(given, str) and self._token and self.is_token(given.strip())):
            raise web.HTTPSeeOther("/signin?failed=1")
        response = web.HTTPSeeOther("/")
        response.set_cookie(
            COOKIE,
            self._token,
            max_age=_SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=request.headers.get("X-Forwarded-Proto", request.scheme) == "https",
        )
        raise response


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Tell whether a request comes from a page of another origin. Clients that are no browsers name none."""
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "same-origin")
    return site not in {"same-origin", "none"} or (
        origin is not None and urlsplit(origin).netloc != headers.get("Host", "")
    )


def error(status: HTTPStatus, message: str) -> web.Response:
    """Return an error in the shape that the page expects."""
    return respond({"errors": [{"message": message}]}, status)


def respond(content: object, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return JSON."""
    return web.Response(body=msgspec.json.encode(content), status=status, content_type="application/json")
