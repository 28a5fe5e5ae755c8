"""storefront-serve: the shell of each page and its files. How they behave in a browser, tests/storefront shows."""

import re
from http import HTTPStatus

import pytest

from functions.storefront import pages, serve
from tests.functions.harness import Function, Make
from ui import files

SCRIPT = "https://js.stripe.com/v3/"
CHECKOUT_SCRIPTS = "'self' https://js.stripe.com https://*.js.stripe.com"
ORDER = f"/orders/{'a' * 24}"
PATHS = {
    "/": "browse", f"/tickets/{'a' * 24}": "ticket", "/sell": "sell", f"/tickets/{'a' * 24}/edit": "edit",
    "/signin": "signin", "/signup": "signup", "/orders": "orders", ORDER: "order", "/my-tickets": "mytickets",
    "/orders/": "orders",
}  # fmt: skip
LOADED = serve._assets
MODULES = {name: asset.content.decode() for name, asset in LOADED.files.items() if name.endswith(".js")}
IMPORT = re.compile(r"(?:from|import)\s*\(?'(\.[^']+)'")


@pytest.fixture
def storefront(function: Make) -> Function:
    return function("storefront-serve", STRIPE_JS_URL=SCRIPT)


@pytest.mark.parametrize(("path", "name"), PATHS.items())
def test_a_path_shows_its_page(storefront: Function, path: str, name: str) -> None:
    response = storefront.call("GET", path)
    assert (response.status_code, response.content_type) == (200, "text/html; charset=utf-8")
    assert f'<script type="module" src="{LOADED.prefix}pages/{name}.js"></script>' in response.text


@pytest.mark.parametrize("path", ["/nowhere", "/tickets/1", "/orders/x/y", "/favicon.svg", "/%2e%2e/etc/passwd"])
def test_any_other_path_shows_the_page_that_says_so(storefront: Function, path: str) -> None:
    response = storefront.call("GET", path)
    assert (response.status_code, "pages/missing.js" in response.text) == (404, True)


def test_a_page_is_asked_for_again_by_its_etag(storefront: Function) -> None:
    first = storefront.call("GET", "/")
    assert first.headers["Cache-Control"] == "no-cache"
    again = storefront.call("GET", "/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert storefront.call("GET", "/", headers={"If-None-Match": '"other"'}).status_code == HTTPStatus.OK


def test_a_file_lasts_for_ever_under_its_fingerprint(storefront: Function) -> None:
    response = storefront.call("GET", f"{LOADED.prefix}style.css")
    assert (response.status_code, response.content_type) == (200, "text/css; charset=utf-8")
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/assets/0000/style.css", f"{LOADED.prefix}none.js", f"{LOADED.prefix}../serve.py"])
def test_a_file_of_another_version_is_not_mixed_in(storefront: Function, path: str) -> None:
    response = storefront.call("GET", path)
    assert (response.status_code, response.content_type) == (404, "text/plain; charset=utf-8")


def test_the_fingerprint_changes_with_any_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("assets")
    (folder / "one.js").write_text("1")
    before = files.load(folder).fingerprint
    (folder / "one.js").write_text("2")
    assert files.load(folder).fingerprint != before


@pytest.mark.parametrize("path", PATHS)
def test_a_page_runs_scripts_of_the_shop_only(storefront: Function, path: str) -> None:
    """The payment provider's are let in at checkout, and nowhere else."""
    response = storefront.call("GET", path)
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    is_checkout = path == ORDER
    assert policy["script-src"] == (CHECKOUT_SCRIPTS if is_checkout else "'self'")
    assert ("require-trusted-types-for" in policy) is not is_checkout
    assert (SCRIPT in response.text) is is_checkout
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", response.text)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/", "/api/tickets"),
        ("/?q=jazz%20pari&sort=price", "/api/tickets?q=jazz%20pari&amp;sort=price"),
        (f"/tickets/{'a' * 24}", f"/api/tickets/{'a' * 24}"),
        ("/sell", "/api/users/currentuser"),
    ],
)
def test_what_a_page_asks_for_first_is_under_way_before_it_runs(storefront: Function, path: str, asked: str) -> None:
    assert f'<link rel="preload" as="fetch" crossorigin href="{asked}">' in storefront.call("GET", path).text


def test_a_query_cannot_leave_its_link(storefront: Function) -> None:
    assert "<script>alert" not in storefront.call("GET", '/?q="><script>alert(1)</script>').text


@pytest.mark.parametrize("name", [*pages.PATHS, pages.MISSING])
def test_all_modules_of_a_page_are_asked_for_at_once(name: str) -> None:
    modules = LOADED.modules_of(f"pages/{name}.js")
    imported = {i for m in modules for i in IMPORT.findall(MODULES[m].replace("import('./messages", ""))}
    assert {path.rpartition("/")[2] for path in imported} <= {module.rpartition("/")[2] for module in modules}


@pytest.mark.parametrize("name", pages.PATHS)
def test_every_page_has_its_module(name: str) -> None:
    assert f"pages/{name}.js" in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_what_is_there(name: str) -> None:
    folder = name.rpartition("/")[0]
    for imported in IMPORT.findall(MODULES[name]):
        parts = [*filter(None, folder.split("/")), *imported.split("/")]
        path: list[str] = []
        for part in parts:
            path = path[:-1] if part == ".." else path if part == "." else [*path, part]
        assert "/".join(path) in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_a_module_parses_no_html(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b", MODULES[name])


def messages(language: str) -> dict[str, str]:
    text = MODULES[f"messages/{language}.js"]
    return dict(re.findall(r"^  '((?:[^'\\]|\\.)+)': (.+),$", text, re.MULTILINE))


def test_both_languages_have_every_message() -> None:
    german = {key for key in messages("de") if not key.startswith("api: ")}
    assert german == set(messages("en"))


def test_both_languages_fill_in_the_same_values() -> None:
    german = messages("de")
    for key, text in messages("en").items():
        assert set(re.findall(r"\{(\w+)\}", text)) == set(re.findall(r"\{(\w+)\}", german[key])), key


def test_every_message_that_is_asked_for_is_there() -> None:
    asked = {key for text in MODULES.values() for key in re.findall(r"\bt\(\s*'([^']+)'", text)}
    assert asked
    assert asked <= set(messages("en"))
