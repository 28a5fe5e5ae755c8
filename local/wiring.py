"""How requests reach functions, and which of them store events, as knative/ declares it."""

import msgspec

from local import gateway, manifests

_STORES = "MONGO_URI"


class FunctionWiring(msgspec.Struct):
    """A function of a service: its routes as `METHOD path`, and whether it has its service's database and outbox."""

    name: str
    service: str
    routes: list[str]
    stores: bool


class Wiring(msgspec.Struct):
    """All functions, and the services that have a relay."""

    functions: list[FunctionWiring]
    relays: list[str]


def read() -> Wiring:
    """Return the wiring of the rendered manifests."""
    resources, routes = manifests.read(), gateway.routes()
    functions = [_function(found, routes) for found in resources if _is_function(found)]
    relays = [
        found["metadata"]["name"].removesuffix("-relay")
        for found in resources
        if found["kind"] == "Deployment" and found["metadata"]["name"].endswith("-relay")
    ]
    return Wiring(functions, relays)


def _is_function(manifest: manifests.Manifest) -> bool:
    is_service = manifest["kind"] == "Service" and manifest["apiVersion"].startswith("serving.knative.dev/")
    return is_service and "FUNCTION_TARGET" in manifests.environment(manifest)


def _function(manifest: manifests.Manifest, routes: list[gateway.Route]) -> FunctionWiring:
    name = manifest["metadata"]["name"]
    mine = [f"{route.method} {route.path}" for route in routes if route.function == name]
    return FunctionWiring(name, name.partition("-")[0], mine, _STORES in manifests.environment(manifest))
