"""Dead letters as a person replays and purges them: the command, against a real server."""

import pytest

from tests.events.dead_letters import REJECTION, command, run, run_failing
from tests.events.harness import Answer, Sink, Stage, event
from tests.eventually import eventually


def test_replaying_one_to_the_trigger_that_failed_only(failed: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = other_sink.answer = lambda _: Answer()
    [letter] = [letter for letter in failed.letters() if letter.headers["ce-id"] == "c" and letter.trigger == "one"]

    said = run(failed, "replay", str(letter.sequence))

    assert said == f"{letter.sequence} sent to one\n1 done\n"
    eventually(lambda: sink.ids == ["a", "b", "c", "c"])
    failed.await_settled("one")
    failed.await_settled("two")
    assert other_sink.ids == ["c"]
    assert not any(name.startswith("ce-knativeerror") for name in sink.requests[-1].headers)
    assert letter.sequence not in [left.sequence for left in failed.letters()]


def test_replaying_all_of_a_trigger_and_all_of_all(failed: Stage, sink: Sink, other_sink: Sink) -> None:
    sink.answer = other_sink.answer = lambda _: Answer()

    assert run(failed, "replay", "--trigger", "one").endswith("3 done\n")
    failed.await_settled("one")
    assert (sorted(map(str, sink.ids)), other_sink.ids) == (["a", "a", "b", "b", "c", "c"], ["c"])
    assert [letter.trigger for letter in failed.letters()] == ["two"]

    assert run(failed, "replay", "--all").endswith("1 done\n")
    eventually(lambda: other_sink.ids == ["c", "c"])
    assert not failed.letters()


def test_a_dry_run_only_tells_which_those_since_a_time_would_be(failed: Stage) -> None:
    before = failed.letters()
    since = sorted(letter.time for letter in before)[1]
    numbers = [letter.sequence for letter in before if letter.time >= since]

    said = run(failed, "replay", "--since", since.isoformat(), "--dry-run")

    assert said == f"{len(numbers)} selected, nothing done: {' '.join(map(str, numbers))}\n"
    assert failed.letters() == before
    assert run(failed, "purge", "--since", since.isoformat(), "--rate", "1000").endswith(f"{len(numbers)} done\n")
    assert [letter.sequence for letter in failed.letters()] == [
        letter.sequence for letter in before if letter.time < since
    ]


def test_what_fails_again_is_a_dead_letter_again_and_not_replayed_for_ever(failed: Stage, sink: Sink) -> None:
    assert run(failed, "replay", "--trigger", "one").endswith("3 done\n")

    eventually(lambda: len(sink.requests) == 6)
    eventually(lambda: len(failed.letters()) == 4)


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


def test_a_letter_stays_while_the_log_does_not_take_it(failed: Stage) -> None:
    before = failed.letters()
    config = failed.loop.run(failed.jetstream.stream_info(failed.stream_names.log)).config
    failed.loop.run(failed.jetstream.update_stream(config.evolve(max_bytes=1)))

    assert "0 done, 4 not done" in run_failing(failed, "replay", "--all")

    assert failed.letters() == before


def test_a_letter_stays_when_its_trigger_is_gone(failed: Stage) -> None:
    before = failed.letters()
    failed.stop_bridges()  # a bridge would bind it again
    failed.loop.run(failed.jetstream.delete_consumer(failed.stream_names.log, failed.stream_names.consumer("one")))

    assert "the Broker has no Trigger one any more" in run_failing(failed, "replay", "--trigger", "one")

    assert failed.letters() == before


def test_purging_one_and_all_of_a_trigger_and_all(failed: Stage, sink: Sink) -> None:
    numbers = [letter.sequence for letter in failed.letters() if letter.trigger == "one"]

    assert run(failed, "purge", str(numbers[1])) == f"{numbers[1]} of one deleted\n1 done\n"
    assert [letter.sequence for letter in failed.letters() if letter.trigger == "one"] == [
        numbers[0],
        numbers[2],
    ]
    assert run(failed, "purge", "--trigger", "one").endswith("2 done\n")
    assert [letter.trigger for letter in failed.letters()] == ["two"]
    assert run(failed, "purge", "--all").endswith("1 done\n")
    assert not failed.letters()
    assert sink.ids == ["a", "b", "c"]


def test_removing_a_dead_letter_twice_succeeds(failed: Stage) -> None:
    [first, *_] = failed.letters()

    failed.loop.run(failed.dead_letters.remove(first.sequence))
    failed.loop.run(failed.dead_letters.remove(first.sequence))

    assert len(failed.letters()) == 3


def test_it_goes_as_far_as_it_can_and_says_how_far(failed: Stage) -> None:
    [first, *_, last] = (str(letter.sequence) for letter in failed.letters())

    said = run_failing(failed, "purge", first, "99", last)

    assert f"{first} of one deleted\n" in said
    assert "dead letter 99 does not exist; 1 done, 2 not done" in said
    assert len(failed.letters()) == 3
