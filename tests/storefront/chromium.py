"""The browser that tests drive: a Chrome or Chromium of this machine, installed where a package can be."""

import os
import shutil
import subprocess
from functools import cache

# The shell without windows takes half the processor time of a whole browser.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# The browser is the tests' own: without these it looks for updates and cannot run as root in a container.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
INSTALL_SECONDS = 300


@cache
def path() -> str | None:
    """Return the path of a browser: that of BROWSER_PATH, one that is found, or one that apt-get could install."""
    return os.environ.get("BROWSER_PATH") or _found() or _installed()


def _found() -> str | None:
    return next(filter(None, (*map(shutil.which, NAMES), *(place for place in PLACES if os.path.exists(place)))), None)  # noqa: PTH110


def _installed() -> str | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    _apt_get("update")
    for package in ("chromium-headless-shell", "chromium"):
        _apt_get("install", "--yes", "--no-install-recommends", package)
        if found := _found():
            return found
    return None


def _apt_get(*arguments: str) -> None:
    subprocess.run(["apt-get", *arguments], check=False, capture_output=True, timeout=INSTALL_SECONDS)
