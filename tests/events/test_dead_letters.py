"""Dead letters as a person uses them: the command, against a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from events.deadletters.command import main
from events.runtime.address import NatsAddress
from tests.events.harness import Answer, Request, Sink, Stage, event
from tests.eventually import eventually

REJECTION = Answer(422, body=b"\x1b[31mtitle is missing")


def rejecting(*ids: str) -> Callable[[Request], Answer]:
    """Answers 422 to these events, 204 to others."""
    return lambda request: REJECTION if request.id in ids else Answer()


def command(stage: Stage, *arguments: str) -> subprocess.Popen[str]:
    """Start the command."""
    environment = {**os.environ, "NATS_URL": stage.nats_url, "BROKER": f"{stage.stream_names.namespace}/default"}
    return subprocess.Popen(
        [sys.executable, "-m", "events.deadletters", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(stage: Stage, *arguments: str) -> str:
    """Return what the command prints when it does as it was told; within this process, which takes less time."""
    status, said = _run(stage, *arguments)
    assert status == 0, said
    return said


def run_failing(stage: Stage, *arguments: str) -> str:
    """Return what the command prints when it does not."""
    status, said = _run(stage, *arguments)
    assert status == 1, said
    return said


def _run(stage: Stage, *arguments: str) -> tuple[int, str]:
    with redirect_stdout(StringIO()) as said, redirect_stderr(said):
        status = main(arguments, NatsAddress.parse(stage.nats_url), stage.stream_names)
    return status, said.getvalue()


@pytest.fixture
def buried(stage: Stage, sink: Sink, other_sink: Sink) -> Stage:
    """Dead letters 1 to 3 are of the Trigger `one` (a, b, c), 4 is of `two` (c)."""
    sink.answer, other_sink.answer = rejecting("a", "b", "c"), rejecting("c")
    stage.trigger("one", sink)
    stage.trigger("two", other_sink, filter={"attributes": {"subject": "shared"}})
    stage.start_bridge()
    for number, given in enumerate([event(id="a"), event(id="b"), event(id="c", subject="shared")], start=1):
        stage.publish(given)
        stage.await_letters(number)
    stage.await_letters(4)
    return stage


def table(said: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    return [re.split(r"\s{2,}", line.strip()) for line in said.splitlines()[1:]]


def test_listing_counts_per_trigger_and_reason(buried: Stage) -> None:
    rows = table(run(buried, "list"))

    assert [(count, trigger, reason) for count, trigger, _, _, reason in rows] == [
        ("3", "one", "answered 422"),
        ("1", "two", "answered 422"),
    ]
    assert all(re.fullmatch(r"\d+ (s|min)", age) for row in rows for age in row[2:4])


def test_listing_those_of_one_trigger_with_their_numbers(buried: Stage) -> None:
    [row] = table(run(buried, "list", "--trigger", "two"))
    [letter] = [letter for letter in buried.letters() if letter.trigger == "two"]

    assert row[0] == str(letter.sequence)
    assert row[2:] == ["dev.test.happened", "shared", "answered 422"]


def test_nothing_to_list(stage: Stage, sink: Sink) -> None:
    stage.trigger("one", sink)
    stage.start_bridge()

    assert run(stage, "list") == "no dead letters\n"
    assert run(stage, "list", "--trigger", "one") == "no dead letters\n"
    assert run(stage, "purge", "--all") == "0 done\n"


def test_showing_a_whole_event_and_why_it_died(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: REJECTION
    stage.trigger("one", sink)
    stage.start_bridge()
    stage.publish(event(id="a b", subject="Grüße", extension="\u202e", data={"title": "Opening night", "price": 20.50}))
    [letter] = stage.await_letters(1)

    said = run(stage, "show", str(letter.sequence))

    for line in (
        r"trigger +one",
        r"reason +answered 422",
        r"attempts +1",
        r"response +\\x1b\[31mtitle is missing",
        r"ce-id +a b",
        r"ce-subject +Grüße",
        r"ce-extension +\\u202e",
        r"ce-knativeerrorcode +422",
        r'  "title": "Opening night",',
        r'  "price": 20.5',
    ):
        assert re.search(f"^{line}$", said, re.MULTILINE), line
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("data", "shown"),
    [(b"\xff\x00", "/wA="), (b"half {\x1b[2J", r"half {\x1b[2J"), (b"", "no data")],
    ids=["no text", "no JSON", "nothing"],
)
def test_showing_data_that_is_no_json(stage: Stage, sink: Sink, data: bytes, shown: str) -> None:
    sink.answer = lambda _: REJECTION
    stage.trigger("one", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("plain"), {}, data)
    [letter] = stage.await_letters(1)

    assert run(stage, "show", str(letter.sequence)).rpartition("\n\n")[2] == shown + "\n"


def test_a_message_that_is_no_event_is_listed_and_shown(stage: Stage, sink: Sink) -> None:
    stage.trigger("one", sink)
    stage.start_bridge()
    stage.send(stage.stream_names.event("broken"), {"ce-id": "5"}, b"?")
    [letter] = stage.await_letters(1)

    assert "is missing" in run(stage, "list")
    assert "is missing" in run(stage, "list", "--trigger", "one")
    assert re.search(r"^ce-id +5$", run(stage, "show", str(letter.sequence)), re.MULTILINE)


def test_replaying_one_to_the_trigger_that_failed_only(buried: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = other_sink.answer = lambda _: Answer()
    [letter] = [letter for letter in buried.letters() if letter.headers["ce-id"] == "c" and letter.trigger == "one"]

    said = run(buried, "replay", str(letter.sequence))

    assert said == f"{letter.sequence} sent to one\n1 done\n"
    eventually(lambda: sink.ids == ["a", "b", "c", "c"])
    buried.await_settled("one")
    buried.await_settled("two")
    assert other_sink.ids == ["c"]
    assert not any(name.startswith("ce-knativeerror") for name in sink.requests[-1].headers)
    assert letter.sequence not in [left.sequence for left in buried.letters()]


def test_replaying_all_of_a_trigger_and_all_of_all(buried: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = other_sink.answer = lambda _: Answer()

    assert run(buried, "replay", "--trigger", "one").endswith("3 done\n")
    buried.await_settled("one")
    assert (sorted(map(str, sink.ids)), other_sink.ids) == (["a", "a", "b", "b", "c", "c"], ["c"])
    assert [letter.trigger for letter in buried.letters()] == ["two"]

    assert run(buried, "replay", "--all").endswith("1 done\n")
    eventually(lambda: other_sink.ids == ["c", "c"])
    assert not buried.letters()


def test_what_fails_again_is_a_dead_letter_again_and_not_replayed_for_ever(buried: Stage, sink: Sink) -> None:
    assert run(buried, "replay", "--trigger", "one").endswith("3 done\n")

    eventually(lambda: len(sink.requests) == 6)
    eventually(lambda: len(buried.letters()) == 4)


@pytest.mark.slow
def test_a_replay_that_is_killed_loses_nothing(stage: Stage, sink: Sink) -> None:
    sink.answer = lambda _: REJECTION
    stage.trigger("one", sink)
    stage.start_bridge()
    wanted = {str(number) for number in range(300)}
    stage.publish(*(event(id=one) for one in wanted))
    stage.await_letters(len(wanted))
    sink.requests.clear()
    sink.answer = lambda _: Answer()

    with command(stage, "replay", "--all") as process:
        assert process.stdout
        process.stdout.readline()
        process.kill()
    assert len(stage.letters()) < len(wanted)
    run(stage, "replay", "--all")

    eventually(lambda: set(sink.ids) == wanted)
    assert not stage.letters()


def test_a_letter_stays_while_the_log_does_not_take_it(buried: Stage) -> None:
    before = buried.letters()
    config = buried.loop.run(buried.jetstream.stream_info(buried.stream_names.log)).config
    buried.loop.run(buried.jetstream.update_stream(config.evolve(max_bytes=1)))

    assert "0 done, 4 not done" in run_failing(buried, "replay", "--all")

    assert buried.letters() == before


def test_a_letter_stays_when_its_trigger_is_gone(buried: Stage) -> None:
    before = buried.letters()
    buried.stop_bridges()  # a bridge would bind it again
    buried.loop.run(buried.jetstream.delete_consumer(buried.stream_names.log, buried.stream_names.consumer("one")))

    assert "the Broker has no Trigger one any more" in run_failing(buried, "replay", "--trigger", "one")

    assert buried.letters() == before


def test_purging_one_and_all_of_a_trigger_and_all(buried: Stage, sink: Sink) -> None:
    numbers = [letter.sequence for letter in buried.letters() if letter.trigger == "one"]

    assert run(buried, "purge", str(numbers[1])) == f"{numbers[1]} of one deleted\n1 done\n"
    assert [letter.sequence for letter in buried.letters() if letter.trigger == "one"] == [numbers[0], numbers[2]]
    assert run(buried, "purge", "--trigger", "one").endswith("2 done\n")
    assert [letter.trigger for letter in buried.letters()] == ["two"]
    assert run(buried, "purge", "--all").endswith("1 done\n")
    assert not buried.letters()
    assert sink.ids == ["a", "b", "c"]


def test_removing_a_dead_letter_twice_succeeds(buried: Stage) -> None:
    [first, *_] = buried.letters()

    buried.loop.run(buried.dead_letters.remove(first.sequence))
    buried.loop.run(buried.dead_letters.remove(first.sequence))

    assert len(buried.letters()) == 3


@pytest.mark.parametrize("asked", ["list", "replay", "purge"])
def test_a_trigger_that_there_is_not(buried: Stage, asked: str) -> None:
    before = buried.letters()

    assert run_failing(buried, asked, "--trigger", "three") == "Trigger three does not exist\n"

    assert buried.letters() == before


def test_a_trigger_that_is_gone_has_its_letters_still(buried: Stage) -> None:
    buried.stop_bridges()
    buried.loop.run(buried.jetstream.delete_consumer(buried.stream_names.log, buried.stream_names.consumer("two")))

    assert len(table(run(buried, "list", "--trigger", "two"))) == 1


@pytest.mark.parametrize("asked", [("show", "99"), ("replay", "99"), ("purge", "99")])
def test_a_number_that_there_is_not(buried: Stage, asked: tuple[str, str]) -> None:
    assert "dead letter 99 does not exist" in run_failing(buried, *asked)


def test_it_goes_as_far_as_it_can_and_says_how_far(buried: Stage) -> None:
    [first, *_, last] = (str(letter.sequence) for letter in buried.letters())

    said = run_failing(buried, "purge", first, "99", last)

    assert f"{first} of one deleted\n" in said
    assert "dead letter 99 does not exist; 1 done, 2 not done" in said
    assert len(buried.letters()) == 3


def test_a_broker_that_there_is_not(stage: Stage) -> None:
    assert f"no stream for dead letters of the Broker {stage.stream_names.namespace}/default" in run_failing(
        stage, "list"
    )


def test_without_nats_it_says_so(stage: Stage) -> None:
    stage.nats_url = "nats://127.0.0.1:9"

    assert run_failing(stage, "list") == "no NATS server answers at nats://127.0.0.1:9\n"


@pytest.mark.parametrize("missing", ["NATS_URL", "BROKER"])
def test_without_knowing_where_it_says_what_it_wants(missing: str) -> None:
    environment = {**os.environ, "NATS_URL": "nats://127.0.0.1:9", "BROKER": "a/b"}
    del environment[missing]
    command = [sys.executable, "-m", "events.deadletters", "list"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert (process.returncode, process.stderr) == (1, f"{missing} must be set in the environment\n")
