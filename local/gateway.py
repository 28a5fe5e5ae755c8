"""The gateway's configuration in knative/: changed for one machine, and read for its routes."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from local import manifests, servers
from local.manifests import ENVOY

FOLDER_IN_THE_CLUSTER = "/etc/envoy/gateway"
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # that of libyaml, which takes a tenth of the time


class Route(NamedTuple):
    """A method and path, and the function that the gateway sends them to."""

    method: str
    path: str
    function: str


def configuration(port: int, aliases: Mapping[str, str]) -> str:
    """Return Envoy's configuration for this machine, as YAML.

    Args:
        port: where Envoy listens, on the loopback interface only.
        aliases: `host:port` on this machine for each host name of the cluster.
    """
    config = _relocated(_read(), aliases)
    listener = config["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {"address": servers.HOST, "port_value": port}
    return yaml.dump(config, Dumper=_DUMPER)


def routes() -> list[Route]:
    """Return the routes that lead to functions, in the order in which Envoy tries them."""
    listener = _read()["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    [host] = manager["route_config"]["virtual_hosts"]
    return [_route(entry) for entry in host["routes"] if "host_rewrite_literal" in entry.get("route", {})]


def _read() -> dict[str, Any]:
    [config] = manifests.parse(ENVOY.read_text())
    return config


def _relocated(found: Any, aliases: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML value
    """Return a copy with every host and file replaced by where it is on this machine.

    The YAML's text is not replaced: a path may hold characters that have a meaning in YAML.
    """
    match found:
        case dict():
            return {key: _relocated(value, aliases) for key, value in found.items()}
        case list():
            return [_relocated(value, aliases) for value in found]
        case str():
            return aliases.get(found, found).replace(FOLDER_IN_THE_CLUSTER, str(ENVOY.parent))
    return found


def _route(entry: dict[str, Any]) -> Route:
    match = entry["match"]
    path = match.get("path") or match.get("prefix") or match["safe_regex"]["regex"].replace("[^/%]+", ":id")
    method = match["headers"][0]["string_match"]
    name = method["exact"] if "exact" in method else method["safe_regex"]["regex"].removesuffix("|HEAD")
    return Route(name, path, entry["route"]["host_rewrite_literal"].partition(".")[0])
