"""Functions and databases of the services as one system, without anything that carries events between them."""

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo

from tests.functions.harness import Document, Function, Store, declared, migrate
from tests.provider import Provider


class Time:
    """Takes the place of the standard library's `datetime` where `functions.shared.clock` reads the time.

    Nothing of ours is replaced; the functions look at a wall clock that a test can put forward.
    """

    def __init__(self) -> None:
        self.passed = timedelta()

    def now(self, zone: tzinfo) -> datetime:
        """The time that it is for the functions."""
        return datetime.now(zone) + self.passed


class System:
    """Every function, those of one service as one process, so that two calls of them can overlap.

    `uris` has the database of each service that keeps one; `provider` is whom payments asks for money.
    """

    def __init__(self, uris: Mapping[str, str], time: Time, provider: Provider) -> None:
        self.time = time
        self.provider = provider
        self._is_migrated = False
        self.stores = {service: Store(uri) for service, uri in uris.items()}
        self._processes = {
            service: _environment(service) | _payments(provider) | {"MONGO_URI": uri} for service, uri in uris.items()
        }

    def function(self, name: str, **environment: str) -> Function:
        """The function of a Knative Service's name; keyword arguments change its environment."""
        process = self._processes.get(name.partition("-")[0], {})
        return Function(name, {**process, **declared()[name], **process, **environment})

    def rows(self, service: str, collection: str) -> list[Document]:
        """A collection's rows, in the order in which they came."""
        return list(self.stores[service][collection].find().sort("_id"))

    def events(self, service: str) -> list[Document]:
        """The events in a service's outbox, in the order in which they came."""
        return [row["event"] for row in self.rows(service, "outbox")]

    def forget(self) -> None:
        """Start again: without any rows, at the present time."""
        self.time.passed = timedelta()
        self.provider.reset()
        if not self._is_migrated:  # only now, since a test may have taken an index out
            self._is_migrated = True
            for service, store in self.stores.items():
                migrate(service, store.uri)
        for store in self.stores.values():
            store.clear()

    def close(self) -> None:
        """Close the connections."""
        for store in self.stores.values():
            store.close()


def _environment(service: str) -> dict[str, str]:
    """What the functions of a service are given, all of it together, but for which function each one is."""
    ours = [given for name, given in declared().items() if name.startswith(f"{service}-")]
    joint = {key: value for given in ours for key, value in given.items() if not key.startswith("FUNCTION_")}
    return joint | {"K_SERVICE": service}


def _payments(provider: Provider) -> dict[str, str]:
    """Where the provider is, and what it and its shop know of each other."""
    return {
        "STRIPE_API_BASE": provider.url,
        "STRIPE_KEY": provider.key,
        "STRIPE_WEBHOOK_SECRET": provider.webhook_secret,
    }
