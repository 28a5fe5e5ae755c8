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

_USER = "/api/users/currentuser"


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


def render(path: str, query: str, assets: Assets, provider_script: str) -> Page:
    """Return a page's shell: links to its files and its first data, and a skeleton that stands until they are there.

    `provider_script` is the URL of the payment provider's script, used by the checkout page alone.
    """
    name = name_of(path)
    script = provider_script if name == CHECKOUT else ""
    modules = [assets.prefix + file for file in assets.modules_of(f"pages/{name}.js")]
    html = _SHELL.format(
        style=assets.prefix + "style.css",
        icon=assets.prefix + "icon.svg",
        data="\n".join(_preload_data(url) for url in _first_requests(name, path, query)),
        preloads="\n".join(f'<link rel="modulepreload" href="{module}">' for module in modules),
        module=modules[0],
        provider=f'<script src="{escape(script)}" async></script>\n' if script else "",
    ).encode()
    return Page(html, f'"{hashlib.sha256(html).hexdigest()[:16]}"', _policy(script))


def _first_requests(name: str, path: str, query: str) -> list[str]:
    """Return the URLs that a page asks for in any case, exactly as it does: they are under way before it runs."""
    if name == "browse":
        return [f"/api/tickets?{query}" if query else "/api/tickets", _USER]
    return [f"/api{path.rstrip('/')}", _USER] if name == "ticket" else [_USER]


def _preload_data(url: str) -> str:
    return f'<link rel="preload" as="fetch" crossorigin href="{escape(url)}">'


def _policy(provider_script: str) -> str:
    """Allow what the shop itself serves; at checkout what the payment provider's script needs, as documented, as well.

    See https://docs.stripe.com/security/guide#content-security-policy. The script is not written for Trusted Types, so
    the checkout page does without them.
    """
    origin = _origins(provider_script)
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


def _origins(script: str) -> str:
    """Return a script's origin, and those below it from which Stripe's loads the rest of itself."""
    origin = "/".join(script.split("/")[:3])
    return f"{origin} {origin.replace('https://', 'https://*.')}" if origin.startswith("https://") else origin


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
{data}
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
