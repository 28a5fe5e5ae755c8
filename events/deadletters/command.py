"""The command that lists, shows, replays and purges dead letters."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import datetime

import nats
import nats.errors
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from events.deadletters import report
from events.deadletters.batch import Action, Batch, BatchError
from events.deadletters.selection import Selection
from events.deadletters.store import DeadLetter, DeadLetters
from events.runtime.address import NatsAddress
from events.runtime.printable import printable
from events.runtime.publisher import Publisher

_HELP = {
    "list": "count dead letters by Trigger and reason; with --trigger, list that Trigger's with their numbers",
    "show": "show one dead letter with all its fields and its whole event",
    "replay": "deliver events again to the Trigger that failed, and to no other; they are dead letters no longer",
    "purge": "delete dead letters; their events are lost",
}


class CommandFailed(Exception):  # noqa: N818 "error" would repeat what "failed" says
    """The command was not carried out, or not to its end; the text says why."""


def main(arguments: Sequence[str], address: NatsAddress, stream_names: StreamNames) -> int:
    """Carry out a command line on a Broker's dead letters; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        asyncio.run(_run(options, address, stream_names))
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader has seen enough, `head` for instance
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dead-letters", description="Manage events that a Trigger could not deliver.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, work in (("list", _list), ("show", _show), ("replay", _replay), ("purge", _purge)):
        command = commands.add_parser(name, help=_HELP[name], description=_HELP[name])
        command.set_defaults(work=work)
        if name == "list":
            command.add_argument("--trigger")
        elif name == "show":
            command.add_argument("number", type=int)
        else:
            which = command.add_mutually_exclusive_group(required=True)
            which.add_argument("numbers", type=int, nargs="*", default=[], metavar="NUMBER")
            which.add_argument("--trigger")
            which.add_argument("--all", action="store_true")
            which.add_argument("--since", type=_time, metavar="TIME", help="given up since then, in ISO 8601")
            command.add_argument("--rate", type=float, help="how many a second, at most")
            command.add_argument("--dry-run", action="store_true", help="only tell which")
    return parser


async def _run(options: argparse.Namespace, address: NatsAddress, stream_names: StreamNames) -> None:
    try:
        connection = await nats.connect(
            address.url,
            user=address.user,
            password=address.password,
            token=address.token,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            inbox_prefix=address.inbox_prefix,
            error_cb=_ignore,
        )
    except (nats.errors.Error, OSError) as error:
        raise CommandFailed(f"no NATS server answers at {address.url}") from error
    async with connection:
        letters = DeadLetters(Publisher(connection), connection.jetstream(), stream_names)
        try:
            await options.work(letters, options)
        except NotFoundError as error:
            name = f"{stream_names.namespace}/{stream_names.broker}"
            raise CommandFailed(
                f"NATS has no stream for dead letters of the Broker {name}: "
                "it is misspelt, or its bridge has not created its streams"
            ) from error
        except nats.errors.Error as error:
            raise CommandFailed(f"request to NATS failed: {error!r}") from error


async def _list(letters: DeadLetters, options: argparse.Namespace) -> None:
    if options.trigger is None:
        summary = report.Summary()
        async for letter in letters.list():
            summary.add(letter)
        lines = list(summary.lines())
    else:
        lines = list(report.table(await _select(letters, options.trigger)))
    print("\n".join(lines) or "no dead letters")


async def _show(letters: DeadLetters, options: argparse.Namespace) -> None:
    try:
        letter = await letters.show(options.number)
    except NotFoundError as error:
        raise CommandFailed(f"dead letter {options.number} does not exist") from error
    print("\n".join(report.details(letter)))


async def _replay(letters: DeadLetters, options: argparse.Namespace) -> None:
    await _each(letters, options, "replay", "{number} sent to {trigger}")


async def _purge(letters: DeadLetters, options: argparse.Namespace) -> None:
    await _each(letters, options, "purge", "{number} of {trigger} deleted")


async def _each(letters: DeadLetters, options: argparse.Namespace, action: Action, line: str) -> None:
    """Replay or purge the selected dead letters, print a line for each, and stop at the first failure."""
    numbers = options.numbers or [one.sequence for one in await _select(letters, options.trigger, options.since)]
    if options.dry_run:
        print(f"{len(numbers)} selected, nothing done: {' '.join(map(str, numbers))}".rstrip(": "))
        return
    batch = Batch(letters, action, numbers, options.rate)
    try:
        async for letter in batch.run():
            print(line.format(number=letter.sequence, trigger=letter.trigger), flush=True)
    except BatchError as error:
        raise CommandFailed(str(error)) from error
    print(f"{len(numbers)} done")


async def _select(letters: DeadLetters, trigger: str | None, since: datetime | None = None) -> list[DeadLetter]:
    """Return all dead letters, or those of a Trigger, given up since a time.

    A deleted Trigger may still have dead letters; one that has neither these nor a consumer is a misspelt name.
    """
    found = await Selection(trigger, since=since).find(letters)
    if trigger is not None and not found and not await letters.is_bound(trigger):
        raise CommandFailed(f"Trigger {printable(trigger)} does not exist")
    return found


def _time(text: str) -> datetime:
    """Return the time of a text in ISO 8601, in the local time zone if it names none. Raises ValueError."""
    return datetime.fromisoformat(text).astimezone()


async def _ignore(_: Exception) -> None:
    """Errors of the connection reach the call that they make fail."""
