"""`make` installs what is pinned once, however many of its targets begin at the same time."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
INSTALLING = "Installing pinned packages"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with lists of nothing."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("# nothing\n")
    return tmp_path


def install(clone: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "local.install"],
        cwd=clone,
        env={"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_of_several_at_once_one_installs_and_all_find_it_done(clone: Path) -> None:
    several = [install(clone) for _ in range(3)]
    told = [one.communicate()[0] for one in several]
    assert [one.returncode for one in several] == [0, 0, 0], told
    assert sum(INSTALLING in text for text in told) == 1, told
    assert (clone / ".venv" / ".installed").exists()


def test_what_cannot_be_installed_is_told_and_not_taken_for_done(clone: Path) -> None:
    (clone / "requirements.txt").write_text("no requirement\n")
    failed = install(clone)
    told, _ = failed.communicate()
    assert failed.returncode != 0
    assert "Invalid requirement" in told
    assert not (clone / ".venv" / ".installed").exists()
