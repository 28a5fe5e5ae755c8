"""`make manifests`: renders what people apply, checks it, and says so."""

import sys

from tests.manifests import rendering
from tests.manifests.checks import complaints


def _main() -> int:
    failed = False
    for name, folder in rendering.APPLIED.items():
        manifests = rendering.render(folder)
        print(f"{name}: {len(manifests)} resources")
        for about, found in complaints(name, manifests).items():
            failed |= bool(found)
            print(f"  {about}: {'ok' if not found else ''}", *found, sep="\n    " if found else "")
    return int(failed)


if __name__ == "__main__":
    sys.exit(_main())
