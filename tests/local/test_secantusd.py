"""Patches of libraries that servers on one machine run with are looked at again when the library changes."""

from importlib.metadata import version

from local import secantusd


def test_the_patched_version_is_the_one_that_is_installed() -> None:
    assert version("secantusdb") == secantusd.VERSION, (
        "measure SecantusDB with its own garbage collector settings, then change or remove local/secantusd.py"
    )
