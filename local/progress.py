"""What a terminal shows while the stack starts: one entry per process, which changes in place."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from local.log import Log, Record

REFRESHES = 8  # a second
SEVERE = {"WARNING", "ERROR", "CRITICAL"}
READY = "ready"


class Progress:
    """States of processes by name; `seconds` tells when each became ready, counted from the start."""

    def __init__(self, names: Sequence[str], console: Console) -> None:
        self.seconds: dict[str, float] = {}
        self._names = names
        self._console = console
        self._began = time.monotonic()
        self._spinner = Spinner("dots", style="yellow")

    @contextmanager
    def shown(self, log: Log) -> Iterator[None]:
        """Show the states instead of the log's lines until the block ends; warnings and errors stay above them."""
        with (
            Live(get_renderable=self._render, console=self._console, refresh_per_second=REFRESHES),
            log.diverted(self._take),
        ):
            yield

    def _take(self, record: Record, line: str) -> None:
        if record["severity"] in SEVERE:
            self._console.print(Text.from_ansi(line))
        if record["message"] == READY:
            self.seconds.setdefault(record["process"], time.monotonic() - self._began)

    def _render(self) -> RenderableType:
        width = max(map(len, self._names)) + len("  00.0 s")
        entries = Columns([self._entry(name) for name in self._names], width=width, column_first=True)
        counted = f"{len(self.seconds)} of {len(self._names)} processes ready, {time.monotonic() - self._began:.0f} s"
        return Group(entries, Text(counted, style="bold"))

    def _entry(self, name: str) -> Text:
        if (seconds := self.seconds.get(name)) is not None:
            return Text.assemble(("✓ ", "green"), name, (f" {seconds:.1f} s", "dim"))
        frame = self._spinner.render(time.monotonic())
        return Text.assemble(frame if isinstance(frame, Text) else "", " ", (name, "dim"))


@contextmanager
def shown(names: Sequence[str], log: Log, out: TextIO) -> Iterator[None]:
    """Show the progress of a start where `out` is a terminal; elsewhere the log's lines tell it."""
    console = Console(file=out)
    if not console.is_terminal:
        yield
        return
    with Progress(names, console).shown(log):
        yield
