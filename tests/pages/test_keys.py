"""The commands that make and rotate keys, run as they stand on the page; of the cluster they reach only its secrets."""

import os
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import jwt
import pytest
import yaml

from events import keyring
from local.servers import WHEEL_BINARIES
from tests.pages.pages import page

# Has `kubectl` itself make secrets, keeps them in files instead of a cluster, and succeeds at everything else.
KUBECTL = f"""#!{sys.executable}
import base64, pathlib, subprocess, sys
import yaml
folder, arguments = pathlib.Path(__file__).parent / "secrets", sys.argv[1:]
def keep(text):
    (folder / yaml.safe_load(text)["metadata"]["name"]).write_text(text)
if "create" in arguments:
    is_dry = "--dry-run=client" in arguments
    command = ["{WHEEL_BINARIES / "kubectl"}", *arguments, *([] if is_dry else ["--dry-run=client", "-o", "yaml"])]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(text) if is_dry else keep(text)
elif "apply" in arguments:
    keep(sys.stdin.read())
elif "get" in arguments and "secret" in arguments:
    name, path = arguments[arguments.index("secret") + 1], arguments[-1]
    print(yaml.safe_load((folder / name).read_text())["data"][path.strip("{{}}").split(".")[-1]], end="")
"""


class Commands:
    """The page's commands, in a folder whose `kubectl` knows secrets only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blocks = page("docs/operations/keys.md").blocks("sh")
        (folder / "secrets").mkdir()
        (folder / "kubectl").write_text(KUBECTL)
        (folder / "kubectl").chmod(0o700)

    def run(self, word: str, pair: str = "session") -> None:
        """Run the one block that holds a word, for a pair of keys."""
        [block] = [found for found in self._blocks if word in found]
        script = block.replace("session", pair).replace("SESSION", pair.upper()) if pair != "session" else block
        path = f"{self._folder}:{os.environ['PATH']}"
        command = ["bash", "-e", "-o", "pipefail", "-c", script]
        subprocess.run(command, cwd=self._folder, env=os.environ | {"PATH": path}, check=True, timeout=120)

    def secret(self, name: str, key: str) -> str:
        """The value of a secret's key, as a pod gets it."""
        return b64decode(yaml.safe_load((self._folder / "secrets" / name).read_text())["data"][key]).decode()

    def signed_by(self, pair: str) -> str:
        """The id of the key that signs."""
        token = keyring.sign({}, self.secret(f"{pair}-signing-key", f"{pair.upper()}_SIGNING_KEY"))
        return str(jwt.get_unverified_header(token)["kid"])

    def accepted(self, pair: str) -> list[str]:
        """The ids of the keys that are accepted."""
        return list(keyring.read_public_keys(self.secret(f"{pair}-public-keys", f"{pair.upper()}_PUBLIC_KEYS")))


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


@pytest.mark.slow
def test_the_commands_make_keys_and_rotate_them_without_a_moment_of_other_keys(commands: Commands) -> None:
    commands.run("for pair in session events")
    commands.run("openssl rand")
    assert keyring.read_secrets(commands.secret("fingerprint-secret", "FINGERPRINT_KEY"))
    for pair in ("session", "events"):
        old = commands.signed_by(pair)
        assert commands.accepted(pair) == [old]

        commands.run("cat new-public.pem >> public.pem", pair)
        assert commands.signed_by(pair) == old
        [_, new] = accepted = commands.accepted(pair)
        assert accepted == [old, new]

        commands.run("SIGNING_KEY=new.pem", pair)
        assert (commands.signed_by(pair), commands.accepted(pair)) == (new, [old, new])

        commands.run("PUBLIC_KEYS=new-public.pem", pair)
        assert (commands.signed_by(pair), commands.accepted(pair)) == (new, [new])
