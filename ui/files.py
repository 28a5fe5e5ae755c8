"""The files of a user interface, read once at start: each with its media type, and all of them with one fingerprint."""

import hashlib
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

SHARED = Path(__file__).parent / "shared"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_STATIC_IMPORT = re.compile(r"^import\b[^'\"]*'(\.[^']+)'", re.MULTILINE)


@dataclass(frozen=True)
class Asset:
    """One file as it is sent: its bytes and its media type."""

    content: bytes
    media_type: str


@dataclass(frozen=True)
class Assets:
    """All files by their path below the folder. `fingerprint` changes whenever one of them does."""

    files: dict[str, Asset]
    fingerprint: str

    @property
    def prefix(self) -> str:
        """Return the path that the files are served under; browsers keep what is below it for good."""
        return f"/assets/{self.fingerprint}/"

    def find(self, path: str) -> Asset | None:
        """Return the file that a request's path names, None for other paths and other fingerprints."""
        return self.files.get(path.removeprefix(self.prefix)) if path.startswith(self.prefix) else None

    def modules_of(self, name: str) -> list[str]:
        """Return a module and all that it imports, directly or not, so that a browser need not find out one by one."""
        found = [name]
        for module in found:  # which grows meanwhile
            folder, text = posixpath.dirname(module), self.files[module].content.decode()
            imported = [posixpath.normpath(posixpath.join(folder, path)) for path in _STATIC_IMPORT.findall(text)]
            found += [other for other in dict.fromkeys(imported) if other not in found]
        return found


def load(folder: Path) -> Assets:
    """Read the shared files and those of a folder. Where both have one, the folder's follows the shared one's text."""
    contents: dict[str, bytes] = {}
    for place in (SHARED, folder):
        for path in (found for found in place.rglob("*") if found.suffix in MEDIA_TYPES):
            name = path.relative_to(place).as_posix()
            contents[name] = contents.get(name, b"") + path.read_bytes()
    digest, files = hashlib.sha256(), dict[str, Asset]()
    for name, content in sorted(contents.items()):
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
        files[name] = Asset(content, MEDIA_TYPES[Path(name).suffix])
    return Assets(files, digest.hexdigest()[:16])
