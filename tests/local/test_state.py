"""The folder of the one-machine stack, as those find it who look into it while it runs."""

import json
from pathlib import Path

import pytest

from local.state import Running, State

FIRST, SECOND = (
    Running(f"http://{name}", f"nats://{name}", None, name, {}, {}, f"http://console.{name}")
    for name in ("first", "second")
)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> State:
    monkeypatch.setenv("LOCAL_STATE", str(tmp_path))
    return State()


def test_what_runs_is_told_while_it_does(state: State) -> None:
    with state.held():
        assert state.running() is None
        state.describe(FIRST)
        assert state.running() == FIRST
    assert state.running() is None


def test_who_reads_what_runs_while_it_is_written_again_reads_all_of_it(state: State) -> None:
    with state.held():
        state.describe(FIRST)
        with (state.folder / "running.json").open() as reading:
            state.describe(SECOND)
            assert Running(**json.load(reading)) == FIRST
        assert state.running() == SECOND
