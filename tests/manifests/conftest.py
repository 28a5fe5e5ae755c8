"""Each overlay is rendered once."""

from typing import Any

import pytest

from tests.manifests.rendering import APPLIED, render


@pytest.fixture(scope="session")
def rendered() -> dict[str, list[dict[str, Any]]]:
    """The resources of every kustomization that people apply, by its name."""
    return {name: render(folder) for name, folder in APPLIED.items()}
