"""Every check, by what it is about, and what it does not hold for."""

from collections.abc import Callable, Iterator

from tests.manifests import access, conventions, environment, network, paths, restricted, schemas, wiring
from tests.manifests.rendering import Manifest

CHECKS: dict[str, Callable[[list[Manifest]], Iterator[str]]] = {
    "schemas": schemas.violations,
    "pod security": restricted.violations,
    "house rules": conventions.violations,
    "read-only files": conventions.writable,
    "wiring": wiring.violations,
    "access": access.violations,
    "environment": environment.violations,
    "secrets": environment.dangling,
    "network": network.violations,
    "paths": paths.violations,
}

EXCEPTIONS = {
    ("base", "secrets"),  # an overlay says where they come from
    ("production", "secrets"),  # people make them
    ("dev", "read-only files"),  # changed files go there
}


def complaints(name: str, manifests: list[Manifest]) -> dict[str, list[str]]:
    """What each check that holds for an overlay says about it."""
    return {about: list(check(manifests)) for about, check in CHECKS.items() if (name, about) not in EXCEPTIONS}
