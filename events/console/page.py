"""The console's one HTML page, a shell that its modules fill, and the files that they are."""

from html import escape
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from ui import files

_FOREVER = "public, max-age=31536000, immutable"
_PRELOADED = ("dom.js", "api.js", "parts/frame.js", "parts/text.js")

assets = files.load(Path(__file__).parent / "assets")


async def show(_: web.Request) -> web.Response:
    """Return the shell, which is the same for every path."""
    return web.Response(text=_page("main.js"), content_type="text/html", headers={"Cache-Control": "no-cache"})


async def show_sign_in(request: web.Request) -> web.Response:
    """Return the form that asks for the token."""
    failed = "That is not the token." if request.query.get("failed") else ""
    return web.Response(
        text=_SIGN_IN.format(head=_head(), failed=escape(failed)),
        content_type="text/html",
        headers={"Cache-Control": "no-store"},
    )


async def serve_file(request: web.Request) -> web.Response:
    """Return a file of this version."""
    if found := assets.find(request.path):
        headers = {"Cache-Control": _FOREVER, "Content-Type": found.media_type}
        return web.Response(body=found.content, headers=headers)
    return web.Response(status=HTTPStatus.NOT_FOUND, text="Not Found")


def _page(module: str) -> str:
    preloads = "\n".join(f'<link rel="modulepreload" href="{assets.prefix}{name}">' for name in _PRELOADED)
    return _SHELL.format(head=_head(), preloads=preloads, module=assets.prefix + module)


def _head() -> str:
    return _HEAD.format(style=f"{assets.prefix}style.css", icon=f"{assets.prefix}icon.svg")


_HEAD = """<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Console · Ticketing</title>
<link rel="stylesheet" href="{style}">
<link rel="icon" href="{icon}" type="image/svg+xml">"""

_SHELL = """<!doctype html>
<html lang="en">
<head>
{head}
{preloads}
<script type="module" src="{module}"></script>
</head>
<body>
<header class="top" id="top"></header>
<main id="main" tabindex="-1"></main>
<noscript><p class="notice">The console needs JavaScript.</p></noscript>
</body>
</html>
"""

_SIGN_IN = """<!doctype html>
<html lang="en">
<head>
{head}
</head>
<body>
<main id="main">
<h1>Console</h1>
<form class="form" method="post" action="/signin">
<div class="field"><label for="token">Operator's token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required></div>
<p class="alert" role="alert">{failed}</p>
<button class="primary">Sign in</button>
</form>
</main>
</body>
</html>
"""
