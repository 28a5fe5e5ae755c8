"""Objects that Brokers and Triggers refer to: those with an address, and those that report if they are ready."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lightkube import AsyncClient

from events.broker.destinations import UnresolvedError
from events.controller import kinds
from events.controller.informer import Informer
from events.controller.kinds import Object
from events.runtime.tasks import Background

Reference = Mapping[str, Any]


class PendingError(UnresolvedError):
    """A reference that may be resolved once the API responds."""

    def __init__(self, message: str) -> None:
        super().__init__("Pending", message)


@dataclass(frozen=True, slots=True)
class _Watched:
    informer: Informer
    task: asyncio.Task[None]


class References:
    """Finds objects by apiVersion, kind, namespace and name. A kind is watched while something refers to it.

    `domain` is the cluster's, `cluster.local` unless it was installed with another.
    """

    def __init__(self, client: AsyncClient, changed: Callable[[], None], domain: str) -> None:
        self._client = client
        self._changed = changed
        self._domain = domain
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._needed: set[tuple[str, str]] = set()
        self._background = Background()

    @property
    def pending(self) -> bool:
        """Tell if the API has not responded for some kind yet."""
        return any(watched.informer.pending for watched in self._watched.values())

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """Stop, at the end of the context, to watch the kinds that were not asked for within it."""
        self._needed.clear()
        yield
        for kind in self._watched.keys() - self._needed:
            self._watched.pop(kind).task.cancel()

    def address(self, reference: Reference, home: str) -> str:
        """Return the URL of an Addressable or a Kubernetes Service. Raises UnresolvedError.

        `home` is the namespace of the object that refers. Rule: knative/specs control-plane.md, "Destination
        Resolution".
        """
        found = self.find(reference, home)
        if (reference["apiVersion"], reference["kind"]) == ("v1", "Service"):
            return f"http://{reference['name']}.{reference.get('namespace') or home}.svc.{self._domain}"
        addresses = _addresses(found, reference.get("address"))
        if not addresses:
            raise UnresolvedError("NoAddress", f"{_named(reference, home)} has no address.")
        usable = [address["url"] for address in addresses if not address.get("CACerts")]
        if not usable:
            message = f"{_named(reference, home)} requires its own CACerts, which are not supported."
            raise UnresolvedError("CACertsNotSupported", message)
        return usable[0]

    def find(self, reference: Reference, home: str) -> Object:
        """Return the object. Raises UnresolvedError; PendingError while the API has not responded for its kind."""
        kind = reference["kind"]
        informer = self._informer(reference["apiVersion"], kind)
        found = informer.objects.get((reference.get("namespace") or home, reference["name"]))
        if found is not None:
            return found
        if informer.synced:
            raise UnresolvedError("NotFound", f"{_named(reference, home)} does not exist.")
        if informer.absent:
            raise UnresolvedError("NotResolvable", f"The API has no kind {kind} in {reference['apiVersion']}.")
        if informer.forbidden:
            message = f"The bridge may not list objects of kind {kind} in {reference['apiVersion']}; grant it by RBAC."
            raise UnresolvedError("NotResolvable", message)
        failure = informer.failure or "the API has not responded yet"
        raise PendingError(f"{_named(reference, home)} is not known yet ({failure}); retrying.")

    async def run(self) -> None:
        """Watch the kinds that are referred to until cancelled."""
        try:
            await self._background.watch()
        finally:
            for watched in self._watched.values():
                watched.task.cancel()

    def _informer(self, api_version: str, kind: str) -> Informer:
        key = (api_version, kind)
        self._needed.add(key)
        if key not in self._watched:
            informer = Informer(self._client, kinds.of(api_version, kind), self._changed, _reduce)
            self._watched[key] = _Watched(informer, self._background.start(informer.run()))
        return self._watched[key].informer


def _reduce(item: Object) -> Object:
    """Keep of an object what is asked for here: there may be many thousands."""
    status = item.get("status") or {}
    names = ("address", "addresses", "conditions", "observedGeneration")
    return {
        "generation": item["metadata"].get("generation"),
        "status": {name: status[name] for name in names if name in status},
    }


def _addresses(item: Object, name: str | None) -> list[Mapping[str, str]]:
    """Return an object's addresses of a name; without a name all, its `status.address` first."""
    status = item["status"]
    addresses = [address for address in status.get("addresses") or () if name in {None, "", address.get("name")}]
    if not name and status.get("address"):
        addresses.insert(0, status["address"])
    return [address for address in addresses if address.get("url")]


def _named(reference: Reference, home: str) -> str:
    return f"{reference['kind']} {reference.get('namespace') or home}/{reference['name']}"
