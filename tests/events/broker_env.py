"""A namespace of the test's own in a Kubernetes API, and bridges that read what they do from there."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from lightkube import ApiError, AsyncClient, Client, KubeConfig
from lightkube.config.models import Cluster as ClusterAddress
from lightkube.config.models import User
from lightkube.generic_resource import GenericGlobalResource, create_global_resource
from lightkube.types import PatchType
from nats.js.errors import NotFoundError

from events.controller import kinds
from events.controller.cluster import Cluster
from events.controller.kinds import BROKER, TRIGGER, Kind
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.reconciler import Reconciler
from events.dispatcher.settings import Settings
from events.dispatcher.subscriber import Subscribers
from tests.events.api_server import ApiServer
from tests.events.harness import ACK_WAIT_SECONDS, QUICK, Stage
from tests.events.loop import Loop
from tests.eventually import eventually

INGRESS_URL = "http://bridge.test"
DOMAIN = "cluster.test"
ADDRESSEE = kinds.of("test.ticketing.dev/v1", "Addressee")
SERVICE = kinds.of("v1", "Service")
CLASS = "JetStreamBridge"

_NAMESPACE = create_global_resource("", "v1", "Namespace", "namespaces")
_DEFINITION = create_global_resource(
    "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"
)


def config_of(server: ApiServer) -> KubeConfig:
    """Return the configuration of clients of a server of ours, which has no users."""
    return KubeConfig.from_one(cluster=ClusterAddress(server=server.url), user=User())


def to(name: str, **further: object) -> dict[str, object]:
    """A Destination: an Addressable."""
    return {"ref": {"apiVersion": "test.ticketing.dev/v1", "kind": "Addressee", "name": name}, **further}


class BrokerEnv:
    """Objects, their status, and bridges."""

    def __init__(self, loop: Loop, nats_url: str, config: KubeConfig) -> None:
        self.loop = loop
        self._config = config
        self._client = Client(config)
        self.stage = Stage(loop, nats_url)
        self.namespace = self.stage.stream_names.namespace
        self._stops: list[Callable[[], None]] = []
        self._create_if_missing(_NAMESPACE, {"metadata": {"name": self.namespace}})

    def broker(self, name: str = "default", broker_class: str = CLASS, **spec: object) -> None:
        """Create a Broker."""
        annotations = {
            "eventing.knative.dev/broker.class": broker_class,
            "jetstream.ticketing.dev/max-bytes": "8388608",
        }
        self.create(BROKER, name, spec=spec, annotations=annotations)

    def trigger(self, name: str, annotations: Mapping[str, str] | None = None, **spec: object) -> None:
        """Create a Trigger of the Broker `default`, with a quick delivery unless another is given."""
        given = {"broker": "default", "delivery": QUICK, **spec}
        self.create(TRIGGER, name, spec=given, annotations=annotations or {})

    def addressee(self, name: str, url: str | None) -> None:
        """Create an Addressable; without a url, one that has no address yet."""
        self.create(ADDRESSEE, name)
        self.readdress(name, url)

    def readdress(self, name: str, url: str | None) -> None:
        """Change an Addressable's address."""
        self.patch(ADDRESSEE, name, {"status": {"address": {"url": url} if url else None}}, ADDRESSEE.Status)

    def create(self, kind: Kind, name: str, annotations: Mapping[str, str] | None = None, **fields: object) -> None:
        """Create any object."""
        metadata = {"name": name, "namespace": self.namespace, "annotations": dict(annotations or {})}
        self._client.create(kind.from_dict({"metadata": metadata, **fields}), namespace=self.namespace)

    def patch(self, kind: Kind, name: str, patch: Mapping[str, object], part: Any = None) -> None:  # noqa: ANN401
        """Edit an object, or a `part` of it, by a merge patch."""
        self._client.patch(part or kind, name, dict(patch), namespace=self.namespace, patch_type=PatchType.MERGE)

    def delete(self, kind: Kind, name: str) -> None:
        """Delete an object, which may take a while."""
        self._client.delete(kind, name, namespace=self.namespace)

    def exists(self, kind: Kind, name: str) -> bool:
        """Whether an object is there."""
        try:
            self.get(kind, name)
        except ApiError as error:
            if error.status.code == 404:
                return False
            raise
        return True

    def get(self, kind: Kind, name: str) -> dict[str, Any]:
        """An object as it is now."""
        return dict(self._client.get(kind, name, namespace=self.namespace))

    def status(self, kind: Kind, name: str) -> dict[str, Any]:
        """The status of an object."""
        return self.get(kind, name).get("status") or {}

    def conditions(self, kind: Kind, name: str) -> dict[str, tuple[str, str]]:
        """Status and reason of each condition, if what is reported is of the present generation."""
        found = self.get(kind, name)
        status = found.get("status") or {}
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return {}
        return {entry["type"]: (entry["status"], entry.get("reason", "")) for entry in status["conditions"]}

    def await_condition(self, kind: Kind, name: str, condition: str, status: str, reason: str = "") -> None:
        """Wait until it is reported."""
        eventually(lambda: self.conditions(kind, name).get(condition) == (status, reason))

    def await_ready(self, *triggers: str) -> None:
        """Wait until Triggers are."""
        for name in triggers:
            self.await_condition(TRIGGER, name, "Ready", "True")

    def start_bridge(self, server: ApiServer | None = None, *, use_finalizers: bool = True) -> Callable[[], None]:
        """A bridge beside the test, which may ask another API server; calling what is returned stops it."""
        stop = self.loop.start(
            self._bridge(config_of(server) if server else self._config, use_finalizers=use_finalizers)
        )
        self._stops.append(stop)
        return stop

    async def _bridge(self, config: KubeConfig, *, use_finalizers: bool) -> None:
        cluster = Cluster(AsyncClient(config), INGRESS_URL, DOMAIN, use_finalizers=use_finalizers)
        async with Subscribers({}) as subscribers:
            settings = Settings(ACK_WAIT_SECONDS, drain=2, away=1)
            deliveries = Deliveries(self.stage.connection, subscribers, settings)
            await Reconciler(self.stage.connection, cluster, deliveries, settings).run()

    def streams(self) -> list[str]:
        """The streams of the namespace's Brokers."""
        return self.loop.run(self._streams())

    async def _streams(self) -> list[str]:
        names = [str(info.config.name) for info in await self.stage.jetstream.streams_info()]
        return [name for name in names if name.startswith(self.namespace)]

    def consumers(self) -> list[str]:
        """The consumers of the Broker `default`."""
        infos = self.loop.run(self.stage.jetstream.consumers_info(self.stage.stream_names.log))
        return sorted(info.name for info in infos)

    def await_bound(self, trigger: str, bridges: int) -> None:
        """Wait until so many bridges ask for a Trigger's events."""
        eventually(lambda: self.loop.run(self._waiting(trigger)) == bridges)

    async def _waiting(self, trigger: str) -> int:
        stream_names = self.stage.stream_names
        with suppress(NotFoundError):
            return int(
                (await self.stage.jetstream.consumer_info(stream_names.log, stream_names.consumer(trigger))).num_waiting
                or 0
            )
        return 0

    def define_kinds(self) -> None:
        """Let the API know our kinds, as Knative's installation does."""
        for kind in (BROKER, TRIGGER, ADDRESSEE):
            self._create_if_missing(_DEFINITION, _definition(kind))
            eventually(lambda kind=kind: self._serves(kind))  # type: ignore[misc]  # a lambda's default

    def _serves(self, kind: Kind) -> bool:
        try:
            list(self._client.list(kind, namespace=self.namespace))
        except ApiError:
            return False
        return True

    def _create_if_missing(self, kind: type[GenericGlobalResource], fields: dict[str, Any]) -> None:
        with suppress(ApiError):
            self._client.create(kind.from_dict(fields))

    def close(self) -> None:
        """Stop the bridges and remove everything, finalizers too."""
        while self._stops:
            self._stops.pop()()
        for kind in (TRIGGER, BROKER, ADDRESSEE):
            for item in self._client.list(kind, namespace=self.namespace):
                self._remove(kind, item["metadata"]["name"])
        self._client.delete(_NAMESPACE, self.namespace)
        self.stage.close()

    def _remove(self, kind: Kind, name: str) -> None:
        with suppress(ApiError):
            self.patch(kind, name, {"metadata": {"finalizers": None}})
            self.delete(kind, name)


def _definition(kind: Kind) -> dict[str, Any]:
    info = kind._api_info
    group, version, name = info.resource
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": anything, "status": anything}}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "metadata": {"name": f"{info.plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": name, "plural": info.plural, "singular": name.lower()},
            "versions": [{**served, "schema": {"openAPIV3Schema": schema}}],
        },
    }
