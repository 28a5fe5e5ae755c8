"""Objects that are gone though nobody here saw them leave, and what they leave behind."""

from collections.abc import Iterable

from events.broker.model import Broker, Cleanup, ObservedState, Trigger
from events.controller.kinds import Object


class Orphans:
    """What this process has had put into JetStream, until it is known to be removed.

    Who sees an object leave removes it, and lets go of the object then. Another replica may see it only once it is
    gone, and may have made something for it meanwhile; that is cleaned up after here. What was gone before this process
    started is left alone: a cluster may have been set back to an earlier state.
    """

    def __init__(self) -> None:
        self._known: dict[str, Cleanup] = {}

    def of_gone(
        self, wanted: Iterable[Broker | Trigger], there: Iterable[Object], observed_state: ObservedState
    ) -> tuple[Cleanup, ...]:
        """What is still to be removed. `there` are all objects that exist, `wanted` are those that may be made."""
        self._known |= {one.uid: one.cleanup for one in wanted}
        uids = {item["metadata"]["uid"] for item in there}
        self._known = {uid: one for uid, one in self._known.items() if uid in uids or one not in observed_state.removed}
        return tuple(one for uid, one in self._known.items() if uid not in uids)
