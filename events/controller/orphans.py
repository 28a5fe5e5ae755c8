"""Orphans: streams and consumers in JetStream whose objects are gone from the Kubernetes API."""

from collections.abc import Iterable

from events.broker.model import Broker, Cleanup, ObservedState, Trigger
from events.controller.kinds import Object


class Orphans:
    """Knows the cleanups of the objects that this process has had created in JetStream, until they are done.

    The replica that sees an object's deletion removes what it has in JetStream and then takes the finalizer off. A
    replica that learns of it only once the object is gone may have created something again; that is cleaned up here.
    What was gone before this process started is left alone: a cluster may have been restored to an earlier state.
    """

    def __init__(self) -> None:
        self._cleanups: dict[str, Cleanup] = {}

    def cleanups(
        self, desired: Iterable[Broker | Trigger], existing: Iterable[Object], observed_state: ObservedState
    ) -> tuple[Cleanup, ...]:
        """Return what is still to be removed.

        `existing` are all objects in the API, `desired` those for which something may be created.
        """
        self._cleanups |= {one.uid: one.cleanup for one in desired}
        uids = {item["metadata"]["uid"] for item in existing}
        self._cleanups = {
            uid: one for uid, one in self._cleanups.items() if uid in uids or one not in observed_state.removed
        }
        return tuple(one for uid, one in self._cleanups.items() if uid not in uids)
