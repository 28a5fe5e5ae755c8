"""The pages of the storefront: which path shows which one, and the HTML shell that all of them share."""

import hashlib
import re
from dataclasses import dataclass
from html import escape

from ui.files import Assets

# Each page is one module in assets/pages/. A path that no pattern matches shows `missing`, with status 404.
PATHS = {
    "browse": r"/",
    "ticket": r"/tickets/[0-9a-f]{24}",
    "sell": r"/sell",
    "edit": r"/tickets/[0-9a-f]{24}/edit",
    "signin": r"/signin",
    "signup": r"/signup",
    "orders": r"/orders",
    "order": r"/orders/[0-9a-f]{24}",
    "mytickets": r"/my-tickets",
}
MISSING = "missing"
CHECKOUT = "order"  # the one page that loads the payment provider's script

_SHARED = ("main.js", "api.js", "dom.js", "i18n.js", "messages/en.js", "parts/form.js", "parts/live.js")


@dataclass(frozen=True)
class Page:
    """The HTML of a page with its ETag, and the Content-Security-Policy that it is sent with."""

    html: bytes
    etag: str
    policy: str


def name_of(path: str) -> str:
    """Return the name of the page that a path shows."""
    plain = path.rstrip("/") or "/"
    return next((name for name, pattern in PATHS.items() if re.fullmatch(pattern, plain)), MISSING)


def render(name: str, assets: Assets, provider_script: str) -> Page:
    """Return a page's shell: links to its files, and a skeleton that stands until they have run.

    `provider_script` is the URL of the payment provider's script, used by the checkout page alone.
    """
    script = provider_script if name == CHECKOUT else ""
    html = _SHELL.format(
        style=assets.prefix + "style.css",
        icon=assets.prefix + "icon.svg",
        preloads="\n".join(_preload(assets.prefix + file) for file in (*_SHARED, f"pages/{name}.js")),
        module=f"{assets.prefix}pages/{name}.js",
        provider=f'<script src="{escape(script)}" async></script>\n' if script else "",
    ).encode()
    return Page(html, f'"{hashlib.sha256(html).hexdigest()[:16]}"', _policy(script))


def _preload(path: str) -> str:
    return f'<link rel="modulepreload" href="{path}">'


def _policy(provider_script: str) -> str:
    """Allow what the shop itself serves; at checkout the payment provider's origins as well.

    The provider's script is not written for Trusted Types, so the checkout page does without them.
    """
    origin = "/".join(provider_script.split("/")[:3])
    scripts = f"'self' {origin}" if origin else "'self'"
    sources = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": f"{scripts} https://api.stripe.com" if origin else "'self'",
        "frame-src": f"{origin} https://hooks.stripe.com" if origin else "'none'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    if not origin:
        sources |= {"require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    return "; ".join(f"{directive} {value}" for directive, value in sources.items())


_SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Buy and sell tickets. A ticket you reserve is yours while you pay.">
<title>Ticketing</title>
<link rel="stylesheet" href="{style}">
<link rel="icon" href="{icon}" type="image/svg+xml">
{preloads}
<script type="module" src="{module}"></script>
{provider}</head>
<body>
<header class="bar" id="bar"><a class="brand" href="/">Ticketing</a></header>
<main id="main" tabindex="-1"><div class="skeleton" aria-hidden="true"><i></i><i></i><i></i><i></i></div></main>
<noscript><p class="notice">This shop needs JavaScript.</p></noscript>
</body>
</html>
"""
