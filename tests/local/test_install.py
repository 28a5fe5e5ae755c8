"""`make` installs what is pinned once, however many of its targets begin at the same time."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from local import servers
from tests.eventually import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
INSTALLING = "Installing pinned packages"
OTHERS = "import sys; sys.version_info = {}; import local.install; sys.exit(local.install.main())"

HERE = {"PYTHONPATH": str(ROOT)}
USING = """
import sys, local.install
sys.prefix = ".venv"
with local.install.in_use():
    print("in use", flush=True)
    input()
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with lists of nothing."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("# nothing\n")
    return tmp_path


def install(clone: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *(arguments or ("-m", "local.install"))],
        cwd=clone,
        env=HERE,
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


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 14, 0)])
def test_a_python_without_wheels_is_told_which_one_has_some(clone: Path, version: tuple[int, ...]) -> None:
    refused = install(clone, "-c", OTHERS.format(version))
    told, _ = refused.communicate()
    assert refused.returncode == 1
    assert "Python 3.11 to 3.13 is needed: make PYTHON=" in told
    assert not (clone / ".venv").exists()


def test_lists_that_are_newer_but_the_same_are_not_installed_again(clone: Path) -> None:
    install(clone).communicate()
    marker = clone / ".venv" / ".installed"
    os.utime(marker, (0, 0))
    told, _ = install(clone).communicate()

    assert told == ""
    assert marker.stat().st_mtime > 0


def test_an_environment_that_a_stack_runs_in_is_not_replaced(clone: Path) -> None:
    marker = clone / ".venv" / ".installed"
    marker.parent.mkdir()
    marker.write_text("other lists")
    with subprocess.Popen([sys.executable, "-c", USING], cwd=clone, stdin=PIPE, stdout=PIPE, env=HERE) as user:
        assert user.stdout
        assert user.stdout.readline() == b"in use\n"
        refused = install(clone)
        told, _ = refused.communicate()
        user.communicate()

    assert refused.returncode == 1
    assert "a stack is running from .venv" in told
    assert marker.read_text() == "other lists"
    assert INSTALLING in install(clone).communicate()[0]


def test_while_pip_goes_on_no_other_begins_though_who_started_it_was_killed(clone: Path) -> None:
    with socket.create_server((servers.HOST, 0)) as index, (clone / "requirements.txt").open("r+") as lock:
        index.settimeout(PATIENCE_SECONDS)
        wheel = f"http://{servers.HOST}:{index.getsockname()[1]}/some-1-py3-none-any.whl"
        lock.write(f"some @ {wheel} --hash=sha256:{'0' * 64}\n")
        lock.flush()
        with install(clone) as killed, index.accept()[0] as asking:
            killed.kill()
            killed.wait()
            with pytest.raises(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            asking.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
        fcntl.flock(lock, fcntl.LOCK_EX)
