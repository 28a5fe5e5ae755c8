"""The log of the one-machine stack: severities of servers' lines, and following one process."""

import asyncio
import io
import json

import pytest

from local.log import RECENT, Log


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("[5336] 2026/01/31 10:00:00.000000 [WRN] Filestore [orders] bad checksum", "WARNING"),
        ("[5336] 2026/01/31 10:00:00.000000 [ERR] JetStream failed to store a msg", "ERROR"),
        ("[5336] 2026/01/31 10:00:00.000000 [FTL] can't listen", "CRITICAL"),
        ("[5336] 2026/01/31 10:00:00.000000 [INF] Server is ready", "INFO"),
        ("[2026-01-31 10:00:00.000][7][warning][main] there is no configured limit", "WARNING"),
        ("[2026-01-31 10:00:00.000][7][critical][main] error initializing config", "CRITICAL"),
        ("[2026-01-31 10:00:00 +0000] [7] [ERROR] Exception in worker process", "ERROR"),
        ("2026-01-31 10:00:00,265 ERROR secantus.commands: internal error", "ERROR"),
        ("[1795894523:743][54:0x7f], connection: [WT_VERB_DEFAULT][ERROR]: pwrite: No space left on device", "ERROR"),
        ("GET /api/tickets?q=%5BERR%5D", "INFO"),
        ("a title with [brackets] and the word error in it", "INFO"),
        ('{"severity": "warning", "message": "of ours"}', "WARNING"),
    ],
)
def test_a_line_has_the_severity_that_its_process_gave_it(line: str, severity: str) -> None:
    out = io.StringIO()
    Log(out, readable=False, colour=False).pass_on("nats", line)

    assert json.loads(out.getvalue())["severity"] == severity


def test_a_follower_gets_recent_and_new_records_of_one_process_only() -> None:
    log = Log(io.StringIO(), readable=True, colour=False)
    for number in range(RECENT + 10):
        log.pass_on("orders-list", f"line {number}")
    with log.following("orders-list") as records:
        log.pass_on("orders-show", "of another process")
        log.pass_on("orders-list", "new")

        assert records.qsize() == RECENT + 1
        assert records.get_nowait()["message"] == "line 10"
    log.pass_on("orders-list", "when it has gone")

    messages = [records.get_nowait()["message"] for _ in range(records.qsize())]
    assert messages[-1] == "new"
    with pytest.raises(asyncio.QueueEmpty):
        records.get_nowait()


def test_a_process_cannot_claim_another_name_or_time() -> None:
    out = io.StringIO()
    log = Log(out, readable=False, colour=False)
    log.pass_on("orders-list", '{"message": "x", "process": "nats", "time": "noon"}')

    assert json.loads(out.getvalue())["process"] == "orders-list"
    assert json.loads(out.getvalue())["time"] != "noon"


def test_text_of_others_cannot_control_a_terminal() -> None:
    out = io.StringIO()
    log = Log(out, readable=True, colour=False)
    log.say("title \x9b31m\u202e", exception="Error: \x1b[2J", ticket="\x07")

    assert not {"\x9b", "\u202e", "\x1b", "\x07"} & set(out.getvalue())
