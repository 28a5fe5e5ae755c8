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
from events.runtime.connection import inbox_prefix
from events.runtime.publisher import Publisher, RefusedError

_EXPLANATIONS = {
    "list": "how many there are per Trigger and reason; with --trigger each of that Trigger's, with its number",
    "show": "all that is known of one, and its whole event",
    "replay": "give events once more to the Trigger that failed, and to no other; those are dead letters no more",
    "purge": "forget dead letters",
}


class StoppedError(Exception):
    """What was asked for was not done, or not to its end; the message says why."""


def main(arguments: Sequence[str], nats_url: str, stream_names: StreamNames) -> int:
    """Do what the arguments ask for with a Broker's dead letters; the status to exit with."""
    asked = _parser().parse_args(arguments)
    try:
        asyncio.run(_run(asked, nats_url, stream_names))
    except StoppedError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read this has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dead-letters", description="Events that a Trigger could not deliver.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, work in (("list", _list), ("show", _show), ("replay", _replay), ("purge", _purge)):
        command = commands.add_parser(name, help=_EXPLANATIONS[name], description=_EXPLANATIONS[name])
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


async def _run(asked: argparse.Namespace, nats_url: str, stream_names: StreamNames) -> None:
    try:
        connection = await nats.connect(
            nats_url,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            inbox_prefix=inbox_prefix(nats_url),
            error_cb=_ignore,
        )
    except (nats.errors.Error, OSError) as error:
        raise StoppedError(f"NATS does not answer at {nats_url}") from error
    async with connection:
        letters = DeadLetters(Publisher(connection), connection.jetstream(), stream_names)
        try:
            await asked.work(letters, asked)
        except NotFoundError as error:
            raise StoppedError(
                f"the Broker {stream_names.namespace}/{stream_names.broker} has no dead letters there"
            ) from error
        except nats.errors.Error as error:
            raise StoppedError(f"NATS did not answer as it should: {error!r}") from error


async def _list(letters: DeadLetters, asked: argparse.Namespace) -> None:
    if asked.trigger is None:
        summary = report.Summary()
        async for letter in letters.list():
            summary.add(letter)
        lines = list(summary.lines())
    else:
        lines = list(report.one_by_one(await _of(letters, asked.trigger)))
    print("\n".join(lines) or "no dead letters")


async def _show(letters: DeadLetters, asked: argparse.Namespace) -> None:
    try:
        letter = await letters.show(asked.number)
    except NotFoundError as error:
        raise StoppedError(f"there is no dead letter {asked.number}") from error
    print("\n".join(report.whole(letter)))


async def _replay(letters: DeadLetters, asked: argparse.Namespace) -> None:
    async def replay(number: int) -> str:
        letter = await letters.replay(number)
        return f"{number} is with {letter.trigger} again"

    await _each(letters, asked, replay)


async def _purge(letters: DeadLetters, asked: argparse.Namespace) -> None:
    async def purge(number: int) -> str:
        letter = await letters.show(number)
        await letters.remove(number)
        return f"{number} of {letter.trigger} is forgotten"

    await _each(letters, asked, purge)


async def _each(letters: DeadLetters, asked: argparse.Namespace, work: Callable[[int], Awaitable[str]]) -> None:
    """Do it to those that were asked for, as far as it goes, and say so of each.

    Those that come meanwhile, perhaps the same events again, are left for the next time.
    """
    numbers = asked.numbers or [letter.sequence for letter in await _of(letters, asked.trigger)]
    for done, number in enumerate(numbers):
        try:
            print(await work(number), flush=True)
        except NotFoundError as error:
            raise StoppedError(f"there is no dead letter {number}; {_rest(numbers, done)}") from error
        except (UnboundTriggerError, RefusedError, nats.errors.Error) as error:
            raise StoppedError(f"{number} stays: {error}; {_rest(numbers, done)}") from error
    print(f"{len(numbers)} done")


async def _of(letters: DeadLetters, trigger: str | None) -> list[DeadLetter]:
    """All, or those of a Trigger, which may be gone; but if it never was, its name is a mistake."""
    found = [letter async for letter in letters.list(trigger)]
    if trigger is not None and not found and not await letters.is_bound(trigger):
        raise StoppedError(f"there is no Trigger {report.printable(trigger)}")
    return found


def _rest(numbers: Sequence[int], done: int) -> str:
    return f"{done} done, {len(numbers) - done} not"


async def _ignore(_: Exception) -> None:
    """What goes wrong is told by the call that it happens to."""
