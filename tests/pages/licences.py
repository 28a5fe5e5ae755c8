"""The licences of packages, as their own metadata declares them."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

_CLASSIFIER = "License :: "
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_IN_A_FILE = {"promql-parser": "MIT"}  # named by the package's file LICENSE only
_CATEGORY = "OSI Approved"  # names no licence


def required(file: Path) -> set[str]:
    """Return the names of the packages in a list of requirements."""
    return set(re.findall(r"^([\w.-]+)==", file.read_text(), re.MULTILINE))


def licence(package: str) -> str | None:
    """Return a package's licence as an SPDX expression, "BSD" if it does not say which; None if it is not installed."""
    try:
        found = metadata(package)
    except PackageNotFoundError:  # one for another platform
        return None
    if package in _IN_A_FILE:
        return _IN_A_FILE[package]
    if expression := found["License-Expression"]:
        return str(expression)
    classifiers = [text for text in found.get_all("Classifier") or [] if text.startswith(_CLASSIFIER)]
    named = {text.split(" :: ")[-1] for text in classifiers} - {_CATEGORY} or {str(found["License"])}
    return " AND ".join(sorted(_SPDX.get(name, name) for name in named))
