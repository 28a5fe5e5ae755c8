"""The resources of knative/, rendered by kubectl's kustomize, so that one machine and a cluster run the same files."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.servers import WHEEL_BINARIES

ROOT = Path(__file__).parent.parent
BASE = ROOT / "knative" / "base"
EVENTING = BASE / "eventing"
OPERATIONS = BASE / "operations"
ENVOY = BASE / "gateway" / "envoy.yaml"

Manifest = dict[str, Any]

# libyaml's loader takes a tenth of the time that the one in Python takes.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RenderError(Exception):
    """A kustomization that cannot be rendered; the message is kubectl's own."""


def read(folder: Path = BASE) -> list[Manifest]:
    """Return the resources of a kustomization as its files were when this process first read them.

    Raises:
        RenderError: a file has a mistake, or kubectl cannot be run.
    """
    return parse(_rendered(folder))


def render(folder: Path) -> str:
    """Return the resources of a kustomization as YAML text, with the errors of `read`."""
    command = [str(WHEEL_BINARIES / "kubectl"), "kustomize", str(folder)]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own kubectl
    except subprocess.CalledProcessError as error:
        raise RenderError(f"{folder} cannot be rendered: {error.stderr.strip()}") from error
    except OSError as error:
        raise RenderError(f"{folder} cannot be rendered: {error}") from error


def parse(text: str) -> list[Manifest]:
    """Return the documents of YAML text that hold something."""
    return [found for found in yaml.load_all(text, _LOADER) if found]


def namespace() -> str:
    """Return the namespace that all resources are in."""
    return str(yaml.safe_load((BASE / "kustomization.yaml").read_text())["namespace"])


def broker() -> Manifest:
    """Return the metadata of the one Broker."""
    [found] = [found["metadata"] for found in read() if found["kind"] == "Broker"]
    return found  # type: ignore[no-any-return]


def container(manifest: Manifest) -> Manifest:
    """Return the one container of a Knative Service, a Deployment, a Job or a CronJob."""
    spec = manifest["spec"]["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else manifest["spec"]
    return spec["template"]["spec"]["containers"][0]  # type: ignore[no-any-return]


def environment(manifest: Manifest) -> Manifest:
    """Return the container's environment variables, each with its value or its `valueFrom`."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container(manifest).get("env", [])}


@cache
def _rendered(folder: Path) -> str:
    return render(folder)
