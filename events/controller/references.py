"""What Brokers and Triggers refer to: objects of any kind that have an address, or that say whether they are ready."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from lightkube import AsyncClient

from events.broker.destinations import UnresolvedError
from events.controller import kinds
from events.controller.informer import Informer
from events.controller.kinds import Object

Reference = Mapping[str, Any]


class PendingError(UnresolvedError):
    """Nothing can be said of a reference yet."""


class References:
    """Finds objects by apiVersion, kind, namespace and name. Each kind that is referred to is watched from then on.

    `domain` is the cluster's, `cluster.local` unless it was installed with another.
    """

    def __init__(self, client: AsyncClient, changed: Callable[[], None], domain: str) -> None:
        self._client = client
        self._changed = changed
        self._domain = domain
        self._informers: dict[tuple[str, str], Informer] = {}
        self._unwatched: asyncio.Queue[Informer] = asyncio.Queue()

    @property
    def pending(self) -> bool:
        """Whether of a kind nothing is known yet."""
        return any(informer.pending for informer in self._informers.values())

    def address(self, reference: Reference, home: str) -> str:
        """Where an Addressable or a Kubernetes Service answers. Raises UnresolvedError.

        `home` is the namespace of who refers. The rule is knative/specs control-plane.md, "Destination Resolution".
        """
        found = self.find(reference, home)
        if (reference["apiVersion"], reference["kind"]) == ("v1", "Service"):
            return f"http://{reference['name']}.{reference.get('namespace') or home}.svc.{self._domain}"
        addresses = _addresses(found, reference.get("address"))
        if not addresses:
            raise UnresolvedError("NoAddress", f"{_named(reference, home)} has no address")
        usable = [address["url"] for address in addresses if not address.get("CACerts")]
        if not usable:
            message = f"{_named(reference, home)} needs a certificate authority of its own, which is not supported"
            raise UnresolvedError("CACertsNotSupported", message)
        return usable[0]

    def find(self, reference: Reference, home: str) -> Object:
        """The object. Raises UnresolvedError; PendingError unless the API has said that there is none."""
        informer = self._informer(reference["apiVersion"], reference["kind"])
        found = informer.objects.get((reference.get("namespace") or home, reference["name"]))
        if found is not None:
            return found
        if informer.synced:
            raise UnresolvedError("NotFound", f"{_named(reference, home)} does not exist")
        if informer.absent:
            raise UnresolvedError("NotResolvable", f"{_named(reference, home)}: there is no such kind")
        raise PendingError("Pending", f"{_named(reference, home)} is looked for: {informer.failure or 'no answer yet'}")

    async def run(self) -> None:
        """Watch the kinds that are referred to until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                informer = await self._unwatched.get()
                tasks.create_task(informer.run())

    def _informer(self, api_version: str, kind: str) -> Informer:
        informer = self._informers.get((api_version, kind))
        if informer is None:
            informer = Informer(self._client, kinds.of(api_version, kind), self._changed, _brief)
            self._informers[api_version, kind] = informer
            self._unwatched.put_nowait(informer)
        return informer


def _brief(item: Object) -> Object:
    """Of an object what is asked for here: of many thousand, most is not."""
    status = item.get("status") or {}
    names = ("address", "addresses", "conditions", "observedGeneration")
    return {
        "generation": item["metadata"].get("generation"),
        "status": {name: status[name] for name in names if name in status},
    }


def _addresses(item: Object, name: str | None) -> list[Mapping[str, str]]:
    """Of several addresses those of that name, else all, the object's choice for those that know only one first."""
    status = item["status"]
    addresses = [address for address in status.get("addresses") or () if name in {None, "", address.get("name")}]
    if not name and status.get("address"):
        addresses.insert(0, status["address"])
    return [address for address in addresses if address.get("url")]


def _named(reference: Reference, home: str) -> str:
    return f"{reference['kind']} {reference.get('namespace') or home}/{reference['name']}"
