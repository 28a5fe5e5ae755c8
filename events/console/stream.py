"""The stream of events, as server-sent events. The id of each is its sequence in the log, where a browser resumes."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import msgspec
from nats.aio.client import Client

from events.broker.subjects import StreamNames
from events.catalogue import TYPE_PREFIX
from events.console.records import Record, record
from events.console.streams import StreamReader

_LATEST = 200  # events that a reader without a position begins with
_MOST_ORDERS = 10_000  # whose buyer is remembered

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are shown: all that have each of these that is given. `name` may end with `*`."""

    name: str = ""
    order: str = ""
    buyer: str = ""
    trace: str = ""

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> "Selection":
        """Return the selection of a query string."""
        return cls(**{name: query.get(name, "").strip() for name in ("name", "order", "buyer", "trace")})

    def subjects(self, names: StreamNames) -> list[str]:
        """Return the subjects of the log that hold what is selected."""
        if self.name and not self.name.endswith("*"):
            return [names.event(TYPE_PREFIX + self.name)]
        return [names.events(), names.replays()]


class Chooser:
    """Applies a selection. Payments name no buyer, so it remembers those of the orders that passed."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._buyers: OrderedDict[str, str] = OrderedDict()

    def takes(self, found: Record) -> bool:
        """Tell whether a record is selected."""
        wanted = self._selection
        if wanted.name.endswith("*") and not found.name.startswith(wanted.name[:-1]):
            return False
        if (wanted.order and found.order != wanted.order) or (wanted.trace and found.trace != wanted.trace):
            return False
        return not wanted.buyer or self._buyer(found) == wanted.buyer

    def _buyer(self, found: Record) -> str:
        if found.buyer and found.order:
            self._buyers[found.order] = found.buyer
            if len(self._buyers) > _MOST_ORDERS:
                self._buyers.popitem(last=False)
        return found.buyer or self._buyers.get(found.order, "")


async def server_sent(
    connection: Client, names: StreamNames, selection: Selection, after: int | None
) -> AsyncIterator[bytes]:
    """Yield chunks of server-sent events: those after a sequence, or without one the latest; a comment when idle.

    Raises nats.errors.Error if there is no log.
    """
    if after is None:
        after = max(0, (await connection.jetstream().stream_info(names.log)).state.last_seq - _LATEST)
    chooser = Chooser(selection)
    async for batch in StreamReader(connection).follow(names.log, selection.subjects(names), after):
        records = [found for stored in batch if (found := record(stored, names)) is not None and chooser.takes(found)]
        # The last sequence that was looked at is a position, too: a selection may skip thousands.
        position = b"event: position\nid: %d\ndata:\n\n" % batch[-1].sequence if batch else b": idle\n\n"
        yield b"".join(b"id: %d\ndata: %b\n\n" % (one.sequence, _encoder.encode(one)) for one in records) + position
