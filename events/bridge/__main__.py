"""The bridge.

Environment: NATS_URL; NATS_USER and NATS_PASSWORD, if NATS wants them; MANIFESTS, a folder or file of YAML with Brokers
and Triggers, without which they come from the Kubernetes API, INGRESS_URL says where the ingress is reached there, and
CLUSTER_DOMAIN is the cluster's; PORT and HOST of /healthz, /readyz and /metrics; INGRESS_PORT, without which there is
no ingress; HOST_ALIASES, a JSON object that says where hosts are on one machine, `{"host": "127.0.0.1:4001"}`;
EVENTS_SIGNING_KEY and EVENTS_DOMAIN, see `signature`; ACK_WAIT_SECONDS, DRAIN_SECONDS and LINGER_SECONDS, see
`Settings`; OpenTelemetry's own, see `telemetry`; CONFIG_OBSERVABILITY, the folder of Knative's ConfigMap, see
`config_map`.
"""

import asyncio
import gc
import json
import logging
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import prometheus_client

from events.bridge import source
from events.dispatcher.deliveries import Deliveries
from events.dispatcher.lag import Lag
from events.dispatcher.log_space import LogSpace
from events.dispatcher.reconciler import Reconciler
from events.dispatcher.settings import Settings
from events.dispatcher.signature import signer
from events.dispatcher.subscriber import Subscribers
from events.ingress import Ingress
from events.keyring import KeyTextError
from events.runtime import health, logs, process
from events.runtime.address import NatsAddress
from events.runtime.connection import Connection
from events.runtime.publisher import Publisher
from events.telemetry import config_map, spans

_log = logging.getLogger(__name__)

_GARBAGE = 5_000  # objects more than were freed


async def _main() -> None:
    environment, settings = os.environ, _settings()
    host, desired, connection = environment.get("HOST"), source.from_environment(environment), Connection()
    async with Subscribers(json.loads(environment.get("HOST_ALIASES", "{}")), signer(environment)) as subscribers:
        deliveries = Deliveries(connection, subscribers, settings)
        reconciler = Reconciler(connection, desired, deliveries, settings)
        log_space = LogSpace(connection.jetstream(), lambda: reconciler.brokers, reconciler.consumers)
        ingress = Ingress(Publisher(connection), lambda: reconciler.brokers, reconciler.expects, log_space.admits)
        async with _serve_health(reconciler, deliveries, connection, host), connection:
            await connection.open(NatsAddress.from_environment(environment), "bridge")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(reconciler.run())
                tasks.create_task(log_space.run())
                tasks.create_task(connection.until_closed())
                if "INGRESS_PORT" in environment:
                    tasks.create_task(
                        ingress.run(int(environment["INGRESS_PORT"]), host, settings.drain, settings.linger)
                    )


def _require_key() -> None:
    """End the process if it cannot sign with the key that it is given."""
    try:
        signer(os.environ)
    except KeyTextError as error:
        _log.error("EVENTS_SIGNING_KEY cannot be used: %s; the process ends", error)
        raise SystemExit(1) from None


def _collect_rarely() -> None:
    """Look less often for cycles, of which events leave hardly any: by default that costs a tenth of an event."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


def _serve_health(
    reconciler: Reconciler, deliveries: Deliveries, connection: Connection, host: str | None
) -> AbstractAsyncContextManager[object]:
    nats_ready, lag = health.NatsReadiness(connection), Lag(connection.jetstream(), deliveries)

    async def ready() -> bool:
        return reconciler.ready and await nats_ready()

    async def metrics() -> bytes:
        await lag.refresh()
        return prometheus_client.generate_latest()

    return health.serve(int(os.environ["PORT"]), ready, host, metrics)


def _settings() -> Settings:
    default = Settings()
    return Settings(
        ack_wait=float(os.environ.get("ACK_WAIT_SECONDS", default.ack_wait)),
        drain=float(os.environ.get("DRAIN_SECONDS", default.drain)),
        linger=float(os.environ.get("LINGER_SECONDS", default.linger)),
    )


def _configure_spans() -> None:
    """Record spans if the environment or Knative's ConfigMap says so."""
    folder = os.environ.get("CONFIG_OBSERVABILITY")
    try:
        for name, value in (config_map.variables(Path(folder)) if folder else {}).items():
            os.environ.setdefault(name, value)
    except config_map.InvalidConfigError as error:
        _log.error("config-observability is invalid and ignored until a restart", extra={"reason": str(error)})
    spans.configure("bridge")


if __name__ == "__main__":
    logs.configure("bridge")
    _configure_spans()
    _require_key()
    _collect_rarely()
    process.run(_main())
