"""What is checked before the stack starts: settings of the caller, the gateway's port, room on the disk."""

import os
import shutil
import socket

from local import servers
from local.plan import SETTINGS
from local.state import State

DEFAULT_PORT = 8080
STRIPE_SECRETS = ("STRIPE_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")
# JetStream reserves the log's and the dead letters' sizes within three quarters of what is free; databases grow too.
FREE_MIB, MIB = 1024, 2**20


class SettingsError(Exception):
    """The stack cannot run as it was asked to."""


def check(state: State) -> int:
    """Return the gateway's port.

    Raises:
        SettingsError: a variable, the port or the disk does not allow the stack to run.
    """
    _check_numbers()
    _check_stripe()
    _check_disk(state)
    return _port()


def _check_numbers() -> None:
    for name, largest in SETTINGS.items():
        given = os.environ.get(name) or "1"
        if not (given.isdecimal() and 0 < int(given) <= largest):
            unit = name.rpartition("_")[2].lower()
            raise SettingsError(f"{name} must be a whole number of {unit} from 1 to {largest}, and is {given!r}")


def _check_stripe() -> None:
    for name in STRIPE_SECRETS:
        if os.environ.get("STRIPE_API_BASE") and not os.environ.get(name):
            raise SettingsError(f"{name} must be set too when STRIPE_API_BASE is: Stripe accepts no generated secret")


def _check_disk(state: State) -> None:
    free = shutil.disk_usage(state.folder).free // MIB
    if free < FREE_MIB:
        raise SettingsError(
            f"{state.folder} is on a disk with {free} MiB free, and {FREE_MIB} MiB are needed; free some space, or set "
            "LOCAL_STATE to a folder on another disk"
        )


def _port() -> int:
    given = os.environ.get("PORT") or str(DEFAULT_PORT)
    if not (given.isdecimal() and 0 < int(given) < 2**16):
        raise SettingsError(f"PORT must be a port from 1 to 65535, and is {given!r}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((servers.HOST, int(given)))
        except OSError as error:
            raise SettingsError(
                f"port {given} cannot be used ({error.strerror}); `PORT=8081 make run` uses another one"
            ) from None
    return int(given)
