"""What the stack refuses before it starts anything: a disk that is nearly full, a folder that cannot be written."""

from pathlib import Path

import pytest

from local import servers, settings
from local.settings import SettingsError
from local.state import State, StateError


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> State:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))
    monkeypatch.setenv("PORT", str(servers.free_port()))
    return State()


def test_a_disk_with_too_little_room_is_refused(monkeypatch: pytest.MonkeyPatch, state: State) -> None:
    assert settings.check(state) > 0
    monkeypatch.setattr(settings, "FREE_MIB", 10**12)

    with pytest.raises(SettingsError, match=rf"{state.folder} is on a disk with \d+ MiB free, and 10+ MiB are needed"):
        settings.check(state)


def test_a_state_folder_that_cannot_be_written_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path / "file" / "state"))

    with pytest.raises(StateError, match="state cannot be written: Not a directory"), State().held():
        pass
