"""Brokers and Triggers of a cluster: what they want of the bridge, and what the bridge says about them."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator

from lightkube import AsyncClient

from events.bridge.manifest import is_ours
from events.bridge.resources import Broker, Progress, Trigger, Wiring
from events.control import brokers, kinds, triggers
from events.control.informer import Informer
from events.control.kinds import Key
from events.control.references import References
from events.control.reporter import Reporter
from events.control.view import Verdict, View, is_leaving

_QUIET = 0.02  # seconds in which changes are gathered


def connect(ingress_url: str) -> "Cluster":
    """The cluster that this process runs in, or else that of KUBECONFIG."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    return Cluster(AsyncClient(), ingress_url)


class Cluster:
    """A source of wirings. `ingress_url` is where Brokers take events in, as `<ingress_url>/<namespace>/<name>`.

    Any number of replicas may run at once: each delivers, and each says what it knows. None of them is the leader.
    """

    def __init__(self, client: AsyncClient, ingress_url: str) -> None:
        self._client = client
        self._ingress_url = ingress_url.rstrip("/")
        self._changed = asyncio.Event()
        self._brokers = Informer(client, kinds.BROKER, self._changed.set)
        self._triggers = Informer(client, kinds.TRIGGER, self._changed.set)
        self._references = References(client, self._changed.set)
        self._reporter = Reporter(client)
        self._progress = Progress()

    def observe(self, progress: Progress) -> None:
        """Take note of what is in place."""
        if progress != self._progress:
            self._progress = progress
            self._changed.set()

    async def wirings(self) -> AsyncIterator[Wiring]:
        """What is wanted, from when it is known as a whole; the Kubernetes API may be away after that."""
        work = (self._brokers.run(), self._triggers.run(), self._reporter.run())
        tasks = [asyncio.create_task(one) for one in work]
        last: Wiring | None = None
        try:
            async for verdicts in self._verdicts():
                wiring = _wiring(verdicts)
                if wiring != last and (last or not self._references.pending):
                    last = wiring
                    yield wiring
                self._reporter.give(change for verdict in verdicts for change in verdict.changes())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, self._references.close(), return_exceptions=True)
            await self._client.close()

    async def _verdicts(self) -> AsyncIterator[list[Verdict]]:
        """Whenever something changes, all of them; objects that were not seen yet are nothing to judge by."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(_QUIET)
            self._changed.clear()
            if self._brokers.synced and self._triggers.synced:
                yield list(_judge(self._view()))

    def _view(self) -> View:
        known = (self._brokers.objects, self._triggers.objects)
        return View(*known, self._references, self._progress, self._ingress_url)


def _judge(view: View) -> Iterator[Verdict]:
    ours: dict[Key, Verdict] = {
        name: brokers.verdict(item, view) for name, item in view.brokers.items() if is_ours(item)
    }
    yield from ours.values()
    for (namespace, _), item in view.triggers.items():
        broker = (namespace, str(kinds.spec(item).get("broker")))
        if is_leaving(item) or (broker in view.brokers and broker not in ours):
            yield triggers.without_consumer(item, view)
        else:
            yield triggers.verdict(item, ours.get(broker), view)


def _wiring(verdicts: list[Verdict]) -> Wiring:
    wanted = [verdict.wanted for verdict in verdicts]
    return Wiring(
        tuple(one for one in wanted if isinstance(one, Broker)),
        tuple(one for one in wanted if isinstance(one, Trigger)),
        tuple(verdict.removal for verdict in verdicts if verdict.removal),
    )
