"""What the soak breaks is broken, and whole again afterwards."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.faults import breakable, disks, injections
from tests.faults.floods import FLOODS

KIB = 1024
PROCESSES = ["bridge", "gateway", "nats", "orders-create"]


def test_a_disk_that_is_full_takes_nothing_until_it_is_free(tmp_path: Path) -> None:
    with disks.mounted(tmp_path / "state") as stores:
        if not stores:
            pytest.skip("no disk can be mounted here")
        file = stores["nats"].folder / "file"
        file.write_bytes(bytes(64 * KIB))
        stores["nats"].fill()
        with pytest.raises(OSError, match="No space left"):
            (stores["nats"].folder / "another").write_bytes(bytes(64 * KIB))
        (stores["orders-mongo"].folder / "file").write_bytes(bytes(64 * KIB))
        stores["nats"].free()
        (stores["nats"].folder / "another").write_bytes(bytes(64 * KIB))
        assert file.stat().st_size == 64 * KIB


@pytest.mark.parametrize("seconds", [-injections.SKEW_SECONDS, injections.SKEW_SECONDS])
def test_a_process_starts_with_another_clock_until_the_script_is_removed(tmp_path: Path, seconds: int) -> None:
    if not breakable.clock_library():
        pytest.skip("no clock can be shifted here")
    script = tmp_path / "orders-create"
    breakable.shift_clock(script, seconds)
    began = time.time()
    shown = _start(script, sys.executable, "-c", "import time; print(time.time())")
    assert began + seconds - 1 < float(shown) < time.time() + seconds + 1
    script.unlink()
    assert float(_start(script, sys.executable, "-c", "import time; print(time.time())")) >= began


def test_a_process_starts_once_without_its_files(tmp_path: Path) -> None:
    store, script = tmp_path / "a store", tmp_path / "nats"
    (store / "streams").mkdir(parents=True)
    breakable.delete_folder(script, store)
    assert _start(script, "ls", str(store)) == ""
    (store / "streams").mkdir()
    assert _start(script, "ls", str(store)) == "streams\n"


def test_a_seed_repeats_its_faults() -> None:
    first, again, other = (list(islice(_plan(seed), 200)) for seed in (1, 1, 2))
    assert first == again != other
    assert {fault.kind for fault in first} >= {injections.KILL, injections.STALL, injections.FLOOD, injections.LOSS}
    assert {fault.target for fault in first} >= {*PROCESSES, *FLOODS, "orders-mongo"}
    assert not [fault for fault in first if fault.kind == injections.CLOCK and fault.target in {"nats", "gateway"}]


def _plan(seed: int) -> Iterator[injections.Fault]:
    return injections.plan(random.Random(seed), PROCESSES, ["orders-mongo"])


def _start(script: Path, *command: str) -> str:
    """Run a command as the plan of the breakable stack runs a process."""
    return subprocess.run(breakable.prepared(script, command), check=True, capture_output=True, text=True).stdout
