"""What Lighthouse finds in the list and in a ticket: its four scores, and each audit that is not passed."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.person import Person
from tests.e2e.stack import running
from tests.storefront import chromium, packages

LISTED_IN = packages.HERE / "lighthouse"
FLAGS = "--headless --no-sandbox --disable-gpu --disable-background-networking"
TICKETS = 30
LIMIT_SECONDS = 300


def measure(folder: Path) -> None:
    """Print a line per page, and one for each audit that it does not pass."""
    print("## Lighthouse, as it tests a phone")
    program = packages.install(folder, LISTED_IN) / "lighthouse" / "cli" / "index.js"
    with running(folder / "stack") as stack:
        seller = Person(stack.url)
        tickets = [seller.sell(f"Concert {number} in a hall of some size", 20 + number) for number in range(TICKETS)]
        for name, path in (("list", "/"), ("ticket", f"/tickets/{tickets[0]}")):
            _print(name, _report(program, stack.url + path))


def _report(program: Path, url: str) -> dict[str, Any]:
    command = [str(packages.NODE), str(program), url, "--output=json", "--quiet", f"--chrome-flags={FLAGS}"]
    browser = {"CHROME_PATH": chromium.path() or ""}
    printed = subprocess.run(
        command, check=True, env=os.environ | browser, stdout=subprocess.PIPE, timeout=LIMIT_SECONDS
    ).stdout
    report: dict[str, Any] = json.loads(printed)
    return report


def _print(name: str, report: dict[str, Any]) -> None:
    scores = ", ".join(f"{key} {found['score'] * 100:.0f}" for key, found in report["categories"].items())
    print(f"{name:<10} {scores}")
    for key, audit in report["audits"].items():
        if audit["score"] is not None and audit["score"] < 1:
            print(f"{'':<10} {key}: {audit['score']:.2f} {audit.get('displayValue', '')}")
