"""`make reset`: delete all that the one-machine stack has stored."""

import shutil
import sys

from local.state import InUseError, State, StateError


def main() -> int:
    """Remove the state folder, unless a stack uses it or none ever did; return the exit status."""
    state = State()
    if not state.folder.exists():
        return 0
    if not state.was_held():
        print(f"{state.folder} was never used by a stack; nothing is deleted", file=sys.stderr)
        return 1
    try:
        with state.held():
            shutil.rmtree(state.folder)
    except InUseError as error:
        print(f"{error}; stop it first", file=sys.stderr)
        return 1
    except StateError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{state.folder} is deleted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
