"""A function is broken, its events become dead letters; it is mended, and catches up by a replay."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.person import Person
from tests.e2e.stack import ROOT, Stack, running, settings
from tests.eventually import eventually

pytestmark = pytest.mark.slow

BROKEN = "tickets-replicate-order"


def test_a_function_that_was_broken_catches_up(tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree")
    source = tree / "functions" / "tickets" / "replicate_order.py"
    sound = source.read_text()
    source.write_text(sound.replace("@reacts_to(OrderCreated, ", "@reacts_to("))
    assert source.read_text() != sound

    with running(tmp_path / "state", PYTHONPATH=str(tree), PYTHONSAFEPATH="1") as stack:
        seller, buyer = Person(stack.url), Person(stack.url)
        reserved = {seller.sell() for _ in range(3)}
        for ticket in reserved:
            buyer.reserve(ticket)
        eventually(lambda: f"3        {BROKEN}  " in dead_letters(stack, "list"))
        assert reserved <= set(seller.on_sale())

        source.write_text(sound)
        stack.process_of(BROKEN).kill()
        eventually(lambda: stack.said(BROKEN, "starting it again"))
        said = dead_letters(stack, "replay", "--trigger", BROKEN)

        assert said.endswith("3 done\n")
        eventually(lambda: not reserved & set(seller.on_sale()))
        assert dead_letters(stack, "list") == "no dead letters\n"


def copied(tree: Path) -> Path:
    """What the stack runs, in a place of its own."""
    for folder in ("events", "functions", "knative", "local", "ui"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def dead_letters(stack: Stack, *arguments: str) -> str:
    """What the command of the one-machine stack says."""
    done = subprocess.run(
        [sys.executable, "-m", "local.task", "dead-letters", *arguments],
        cwd=ROOT,
        env=settings(stack.state, stack.port),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
