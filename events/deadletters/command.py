"""The command that lists, shows, replays and purges dead letters."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence

import nats
import nats.errors
from nats.js.errors import NotFoundError

from events.broker.subjects import StreamNames
from events.deadletters import report
from events.deadletters.store import DeadLetter, DeadLetters, UnboundTriggerError
from events.runtime.address import NatsAddress
from events.runtime.printable import printable
from events.runtime.publisher import MessageRejectedError, Publisher

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
    async def replay(number: int) -> str:
        letter = await letters.replay(number)
        return f"{number} sent to {letter.trigger}"

    await _each(letters, options, replay)


async def _purge(letters: DeadLetters, options: argparse.Namespace) -> None:
    async def purge(number: int) -> str:
        letter = await letters.show(number)
        await letters.remove(number)
        return f"{number} of {letter.trigger} deleted"

    await _each(letters, options, purge)


async def _each(letters: DeadLetters, options: argparse.Namespace, work: Callable[[int], Awaitable[str]]) -> None:
    """Apply `work` to the selected dead letters one by one, print a line for each, and stop at the first failure.

    Dead letters that are added meanwhile, perhaps the same events again, are left for the next run.
    """
    numbers = options.numbers or [letter.sequence for letter in await _select(letters, options.trigger)]
    for done, number in enumerate(numbers):
        try:
            print(await work(number), flush=True)
        except NotFoundError as error:
            raise CommandFailed(f"dead letter {number} does not exist; {_progress(numbers, done)}") from error
        except (UnboundTriggerError, MessageRejectedError, nats.errors.Error) as error:
            raise CommandFailed(f"dead letter {number} is kept: {error}; {_progress(numbers, done)}") from error
    print(f"{len(numbers)} done")


async def _select(letters: DeadLetters, trigger: str | None) -> list[DeadLetter]:
    """Return all dead letters, or those of a Trigger.

    A deleted Trigger may still have dead letters; one that has neither these nor a consumer is a misspelt name.
    """
    found = [letter async for letter in letters.list(trigger)]
    if trigger is not None and not found and not await letters.is_bound(trigger):
        raise CommandFailed(f"Trigger {printable(trigger)} does not exist")
    return found


def _progress(numbers: Sequence[int], done: int) -> str:
    return f"{done} done, {len(numbers) - done} not done"


async def _ignore(_: Exception) -> None:
    """Errors of the connection reach the call that they make fail."""
