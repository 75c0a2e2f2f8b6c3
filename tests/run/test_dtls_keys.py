"""Calls whose DTLS handshake never comes to its end: none on which media was expected passes, however short it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipflow.report.fold import Report
from tests.run import meddling

AGENTS = "agent alice { srtp dtls }\nagent bob { srtp dtls }\n"


def nobody_begins(data: bytes) -> bytes:
    """Each side is told that the other one will say hello."""
    said = next((said for said in (b"a=setup:actpass", b"a=setup:passive") if said in data), None)
    # Content-Length has to stay true.
    return data if said is None else data.replace(said, b"a=setup:active").replace(b"\r\ns=-", b"\r\ns=--")


def told(report: Report) -> list[tuple[str, str]]:
    """(lane's agent, what it got) of each failure for want of keys."""
    return [(failure.agent, failure.got) for failure in report.failures if failure.code == "SF507"]


def run(caller: str, callee: str, out: Path) -> Report:
    """Run a call whose sides wait for each other."""
    return meddling.run(f"{AGENTS}on alice {{ {caller} }}\non bob {{ {callee} }}\n", out, nobody_begins)


@pytest.mark.parametrize(
    "wanted",
    ['record "a.wav"; wait 200ms', "expect silence for 200ms", "play tone 440Hz for 5s in background; wait 200ms"],
)
def test_a_short_call_on_which_something_was_to_be_heard_does_not_pass(wanted: str, tmp_path: Path) -> None:
    ((agent, got),) = told(run(f"call bob; {wanted}; release", "answer; expect hangup", tmp_path))
    assert agent == "alice"
    assert got == "the call ended 0.2 s after its DTLS handshake had begun, and before there were keys"


def test_a_call_that_stood_for_half_a_second_does_not_pass_whatever_it_was_for(tmp_path: Path) -> None:
    report = run("call bob; wait 600ms; release", "answer; expect hangup", tmp_path)
    assert [agent for agent, _ in told(report)] == ["alice", "bob"]


def test_a_call_that_is_released_before_anybody_wanted_media_passes(tmp_path: Path) -> None:
    report = run("call bob; release", "answer; expect hangup", tmp_path)
    assert report.passed, report.failures


def test_a_session_that_is_changed_does_not_begin_to_wait_anew(tmp_path: Path) -> None:
    report = run("call bob; wait 300ms; hold; wait 300ms; release", "answer; expect held; expect hangup", tmp_path)
    assert {agent for agent, _ in told(report)} == {"alice", "bob"}


def test_a_peer_that_never_answers_is_told_of_after_ten_seconds(tmp_path: Path) -> None:
    report = run("call bob; wait 20s; release", "answer; expect hangup", tmp_path)
    assert "was not done within 10 s" in told(report)[0][1]
