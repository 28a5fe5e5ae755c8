"""Dead letters as a person lists and shows them: the command, against a real server."""

import os
import re
import subprocess
import sys

import pytest

from tests.events.dead_letters import REJECTION, run, run_failing, table
from tests.events.harness import Sink, Stage, event


def test_listing_counts_per_trigger_and_reason(failed: Stage) -> None:
    rows = table(run(failed, "list"))

    assert [(count, trigger, reason) for count, trigger, _, _, reason in rows] == [
        ("3", "one", "answered 422"),
        ("1", "two", "answered 422"),
    ]
    assert all(re.fullmatch(r"\d+ (s|min)", age) for row in rows for age in row[2:4])


def test_listing_those_of_one_trigger_with_their_numbers(failed: Stage) -> None:
    [row] = table(run(failed, "list", "--trigger", "two"))
    [letter] = [letter for letter in failed.letters() if letter.trigger == "two"]

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


@pytest.mark.parametrize("asked", ["list", "replay", "purge"])
def test_a_trigger_that_there_is_not(failed: Stage, asked: str) -> None:
    before = failed.letters()

    assert run_failing(failed, asked, "--trigger", "three") == "Trigger three does not exist\n"

    assert failed.letters() == before


def test_a_trigger_that_is_gone_has_its_letters_still(failed: Stage) -> None:
    failed.stop_bridges()
    failed.loop.run(failed.jetstream.delete_consumer(failed.stream_names.log, failed.stream_names.consumer("two")))

    assert len(table(run(failed, "list", "--trigger", "two"))) == 1


@pytest.mark.parametrize("asked", [("show", "99"), ("replay", "99"), ("purge", "99")])
def test_a_number_that_there_is_not(failed: Stage, asked: tuple[str, str]) -> None:
    assert "dead letter 99 does not exist" in run_failing(failed, *asked)


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
