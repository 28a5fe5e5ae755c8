"""What Dockerfile, skaffold.yaml and kind.sh say, as far as others have to agree with it."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from local.manifests import ROOT

SKAFFOLD: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
KIND = ROOT / "knative" / "kind.sh"


@dataclass
class Stage:
    """A stage of the Dockerfile: the image or stage that it begins with, and its instructions."""

    begins_with: str
    instructions: list[list[str]] = field(default_factory=list)

    def last(self, instruction: str) -> str | None:
        """The one argument of the last instruction of a kind."""
        return next((found[1] for found in reversed(self.instructions) if found[0] == instruction), None)


def stages(dockerfile: Path = ROOT / "Dockerfile") -> dict[str, Stage]:
    """The stages of the Dockerfile by their names. The last one, which has none, is that of ``."""
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", dockerfile.read_text(), flags=re.MULTILINE)).splitlines()
    found: dict[str, Stage] = {}
    for name, *arguments in (line.split() for line in lines if line):
        if name == "FROM":
            stage = found.setdefault((arguments[2:] or [""])[0], Stage(arguments[0]))
        else:
            stage.instructions.append([name, *arguments])
    return found


def of_target(target: str, instruction: str) -> str | None:
    """The argument of an instruction that counts for an image: its stage's own, or that of the stage it begins with."""
    known, name = stages(), target
    while name in known:
        if argument := known[name].last(instruction):
            return argument
        name = known[name].begins_with
    return None


def profiles() -> dict[str, dict[str, Any]]:
    """What skaffold builds and renders by the overlay that it applies: `build` and `manifests`."""
    plain = {name: SKAFFOLD[name] for name in ("build", "manifests")}
    every = [plain, *({**plain, **profile} for profile in SKAFFOLD["profiles"])]
    return {Path(profile["manifests"]["kustomize"]["paths"][0]).name: profile for profile in every}
