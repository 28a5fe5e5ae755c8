"""An overlay to which people add the console passes every check that theirs passes without it."""

import os

import pytest
import yaml

from tests.manifests.checks import CHECKS
from tests.manifests.rendering import KNATIVE, Manifest, render

SECRET = "console-secret"  # which people create, as docs/operations/console.md says


@pytest.fixture(scope="module")
def with_console(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """Return the local overlay's resources with the console's."""
    folder = tmp_path_factory.mktemp("overlay")
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": "ticketing",
                "resources": [os.path.relpath(KNATIVE / "overlays/local", folder)],
                "components": [os.path.relpath(KNATIVE / "components/console", folder)],
                "labels": [{"pairs": {"app.kubernetes.io/part-of": "ticketing"}, "includeTemplates": True}],
            }
        )
    )
    return render(folder)


@pytest.mark.parametrize("about", CHECKS)
def test_an_overlay_with_the_console_passes_every_check(with_console: list[Manifest], about: str) -> None:
    found = list(CHECKS[about](with_console))
    assert [one for one in found if SECRET not in one] == []


def test_nothing_but_a_forwarded_port_leads_to_it(with_console: list[Manifest]) -> None:
    [service] = [one for one in with_console if one["kind"] == "Service" and one["metadata"]["name"] == "console"]
    [policy] = [one for one in with_console if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "console"]
    assert service["spec"].get("type", "ClusterIP") == "ClusterIP"
    assert "Ingress" in policy["spec"]["policyTypes"]
    assert "ingress" not in policy["spec"]
