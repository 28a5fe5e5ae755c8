"""`make reset`: forget all that the one-machine stack kept."""

import shutil
import sys

from local.state import InUseError, State


def main() -> int:
    """Remove the state folder, unless a stack runs on it or none ever did; the status to exit with."""
    state = State()
    if not state.folder.exists():
        return 0
    if not state.was_held():
        print(f"{state.folder} was never a stack's: it stays as it is", file=sys.stderr)
        return 1
    try:
        with state.held():
            shutil.rmtree(state.folder)
    except InUseError as error:
        print(f"{error}: stop it first", file=sys.stderr)
        return 1
    print(f"{state.folder} is gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
