"""The gateway's configuration on one machine."""

import shutil
from pathlib import Path

import pytest
import yaml

from local import gateway
from local.manifests import ENVOY


@pytest.mark.parametrize("name", ["plain", "with, a comma", "with } a brace", "with #a hash"])
def test_a_path_may_hold_what_means_something_in_yaml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    clone = tmp_path / name
    shutil.copytree(ENVOY.parent, clone)
    monkeypatch.setattr("local.gateway.ENVOY", clone / "envoy.yaml")
    config = yaml.safe_load(gateway.configuration(8080, {}))

    moved = {found for found in strings(config) if str(tmp_path) in found}
    assert moved == {str(clone / name) for name in ("filter.lua", "path.lua", "openapi.json")}


def test_every_route_leads_to_its_place_on_this_machine() -> None:
    functions = {route.function for route in gateway.routes()}
    places = {f"{name}.ticketing.svc.cluster.local": f"127.0.0.1:{port}" for port, name in enumerate(functions, 20_000)}
    found = set(strings(yaml.safe_load(gateway.configuration(8080, places))))

    assert found >= set(places.values())
    assert found.isdisjoint(places)


def strings(found: object) -> list[str]:
    """Every string in it."""
    if isinstance(found, dict | list):
        values = found.values() if isinstance(found, dict) else found
        return [string for value in values for string in strings(value)]
    return [found] if isinstance(found, str) else []
