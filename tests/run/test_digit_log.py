"""The DTMF log of a call: what was sent and what came, when, how long and how loud, by every way."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import sipflow
from sipflow.report.fold import DigitReport, Report
from sipflow.report.serialise import report_to_json

CALL = """
agent alice {{ {agent} }}
agent bob {{ {agent} }}
on alice {{ call bob; wait 500ms; {sending}; wait 1s; release }}
on bob {{ answer; expect hangup within 30s }}
"""


def run(sending: str, out: Path, agent: str = "") -> Report:
    """Run a call in which alice sends digits."""
    report = sipflow.run(CALL.format(sending=sending, agent=agent), out=out, sim=True, seed=1)
    assert report.passed, (report.failures, report.diagnostics)
    return report


def logs(report: Report) -> tuple[list[DigitReport], list[DigitReport]]:
    """What alice sent, and what bob received."""
    by_agent = {call.agent: list(call.digits) for call in report.calls}
    assert {one.direction for one in by_agent["alice"]} == {"sent"}
    assert {one.direction for one in by_agent["bob"]} == {"received"}
    return by_agent["alice"], by_agent["bob"]


@pytest.mark.parametrize(
    ("via", "agent", "level", "between_s"),
    [("rfc4733", "", -10, 0.06), ("inband", "dtmf inband", -4, 0.2), ("info", "", None, 0.05)],
)
def test_what_is_sent_is_what_comes(via: str, agent: str, level: int | None, between_s: float, tmp_path: Path) -> None:
    sent, received = logs(run(f'send dtmf "1,5#" tone 120ms gap 80ms via {via}', tmp_path, agent))
    for log in (sent, received):
        assert [one.digit for one in log] == ["1", "5", "#"]
        assert {one.via for one in log} == {via}
        assert [one.duration_ms for one in log] == pytest.approx([120] * 3, abs=11)
    assert {one.level_dbm0 for one in sent} == {level}
    for out, there in zip(sent, received, strict=True):
        assert 0 <= there.time_s - out.time_s <= between_s
        assert (there.level_dbm0 is None) == (level is None)
        if level is not None:
            assert there.level_dbm0 == pytest.approx(level, abs=1)
    apart_s = 0.5 + (0.2 if via != "info" else 0.08)  # by INFO the next one follows the answer
    assert sent[1].time_s - sent[0].time_s == pytest.approx(apart_s, abs=0.03)


def test_digits_that_are_cut_short_were_sent_as_far_as_they_were(tmp_path: Path) -> None:
    sending = 'play dtmf "123456" in background; wait 500ms; stop play'
    sent, received = logs(run(sending, tmp_path, "dtmf inband"))
    assert [one.digit for one in sent] == [one.digit for one in received] == ["1", "2", "3"]
    assert [one.duration_ms for one in sent] == pytest.approx([100, 100, 100], abs=21)


def test_digits_go_round_with_the_prompt(tmp_path: Path) -> None:
    sent, _ = logs(run('play dtmf "12" 3 times', tmp_path, "dtmf inband"))
    assert "".join(one.digit for one in sent) == "121212"
    steps = [after.time_s - before.time_s for before, after in itertools.pairwise(sent)]
    assert steps == pytest.approx([0.2] * 5, abs=0.01)


def test_the_report_has_them_in_json(tmp_path: Path) -> None:
    text = json.dumps(report_to_json(run('send dtmf "7"', tmp_path)))
    (alice,) = [call for call in json.loads(text)["calls"] if call["agent"] == "alice"]
    (digit,) = alice["digits"]
    assert 0.5 < digit.pop("time_s") < 1
    assert digit == {"direction": "sent", "digit": "7", "duration_ms": 100, "via": "rfc4733", "level_dbm0": -10}
