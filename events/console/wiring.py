"""The Triggers of the Broker as they are declared, kept current while the console runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from events.broker.model import DesiredState, Route, Trigger
from events.broker.source import Files
from events.broker.subjects import StreamNames
from events.cloudevents.event import Event


class Declarations(Protocol):
    """Where Brokers and Triggers are declared."""

    async def run(self, take: Callable[[DesiredState], None]) -> None:
        """Call `take` with what is declared, now and whenever it changes, until cancelled."""


def declarations(environment: Mapping[str, str], names: StreamNames) -> Declarations:
    """Return the files that MANIFESTS names, or else the Kubernetes API."""
    if "MANIFESTS" in environment:
        return Files(Path(environment["MANIFESTS"]))
    from events.console.declared import Declared  # noqa: PLC0415 its client costs a third of a second, and 5 MB

    return Declared(names.namespace)


class Wiring:
    """The routes of one Broker, a Trigger with its Broker each, as the last reading of their source declared them."""

    def __init__(self, source: Declarations, names: StreamNames) -> None:
        self._source = source
        self._names = names
        self.routes: dict[str, Route] = {}

    async def run(self) -> None:
        """Follow the source until cancelled."""
        await self._source.run(self._take)

    def receivers(self, event: Event, replayed_to: str = "") -> list[Trigger]:
        """Return the Triggers that an event is delivered to."""
        if replayed_to:
            return [route.trigger for name, route in self.routes.items() if name == replayed_to]
        return [route.trigger for route in self.routes.values() if route.trigger.filter.matches(event)]

    def _take(self, desired: DesiredState) -> None:
        routes = (route for route in desired.routes() if route.broker.stream_names == self._names)
        self.routes = {route.trigger.name: route for route in sorted(routes, key=lambda one: one.trigger.name)}
