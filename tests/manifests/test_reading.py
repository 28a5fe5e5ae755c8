"""What one machine reads in knative/ is what a cluster gets."""

from local import manifests
from tests.manifests.rendering import Manifest, containers, label, workloads


def test_both_run_the_same_containers(rendered: dict[str, list[Manifest]]) -> None:
    assert _containers(manifests.read()) == _containers(rendered["base"])


def _containers(found: list[Manifest]) -> dict[str, list[Manifest]]:
    """Those of each workload, without the image's version, which is for a registry."""
    return {
        label(workload): [
            {**container, "image": container["image"].partition(":")[0]} for container in containers(workload)
        ]
        for workload in workloads(found)
    }
