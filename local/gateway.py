"""The gateway's configuration in knative/, as one machine needs it, and the routes that it holds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from local import servers
from local.manifests import ENVOY

FOLDER_IN_THE_CLUSTER = "/etc/envoy/gateway"


class Route(NamedTuple):
    """Which function answers a method and path."""

    method: str
    path: str
    function: str


def configuration(port: int, places: Mapping[str, str]) -> str:
    """Envoy's configuration with hosts replaced by their `host:port` on this machine, listening on `port` here only."""
    config = _moved(yaml.safe_load(ENVOY.read_text()), places)
    listener = config["static_resources"]["listeners"][0]
    listener["address"]["socket_address"] = {"address": servers.HOST, "port_value": port}
    return yaml.safe_dump(config)


def routes() -> list[Route]:
    """What leads to a function, in the order in which it is sought."""
    listener = yaml.safe_load(ENVOY.read_text())["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    [host] = manager["route_config"]["virtual_hosts"]
    return [_route(entry) for entry in host["routes"] if "host_rewrite_literal" in entry.get("route", {})]


def _moved(found: Any, places: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML value
    """The same with every host and file where it is on this machine.

    Not in the YAML's text, since a path may hold what means something there.
    """
    match found:
        case dict():
            return {key: _moved(value, places) for key, value in found.items()}
        case list():
            return [_moved(value, places) for value in found]
        case str():
            return places.get(found, found).replace(FOLDER_IN_THE_CLUSTER, str(ENVOY.parent))
    return found


def _route(entry: dict[str, Any]) -> Route:
    match = entry["match"]
    path = match.get("path") or match.get("prefix") or match["safe_regex"]["regex"].replace("[^/%]+", ":id")
    method = match["headers"][0]["string_match"]
    name = method["exact"] if "exact" in method else method["safe_regex"]["regex"].removesuffix("|HEAD")
    return Route(name, path, entry["route"]["host_rewrite_literal"].partition(".")[0])
