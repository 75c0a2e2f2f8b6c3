"""Calls whose DTLS handshake never comes to its end: none on which media was expected passes, however short it was."""

from __future__ import annotations

import re
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


# --- a peer that says it is protected, and is not ---

MEDIA_LINE = re.compile(rb"m=audio (\d+) \S+ ([^\r]*)\r\n")
DTLS_LINE = re.compile(rb"a=(?:fingerprint|setup|rtcp-mux|tls-id)[^\r]*\r\n")
PROMISE = b"a=rtcp-mux\r\na=setup:passive\r\na=fingerprint:sha-256 " + b":".join([b"AB"] * 32) + b"\r\n"


class InTheClear:
    """Asks bob for plain RTP, and tells alice that it is to come protected."""

    def __call__(self, data: bytes) -> bytes:
        """One message."""
        head, blank, body = data.partition(b"\r\n\r\n")
        if MEDIA_LINE.search(body) is None:
            return data
        if head.startswith(b"SIP/2.0"):
            body = MEDIA_LINE.sub(rb"m=audio \1 UDP/TLS/RTP/SAVP \2\r\n", body) + PROMISE
        else:
            body = MEDIA_LINE.sub(rb"m=audio \1 RTP/AVP \2\r\n", DTLS_LINE.sub(b"", body))
        length = b"Content-Length: %d" % len(body)
        return re.sub(rb"Content-Length: *\d+", length, head, flags=re.IGNORECASE) + blank + body


def run_in_the_clear(caller: str, out: Path) -> Report:
    """Run a call in which bob sends plain RTP to alice, who was told that it would be protected."""
    agents = "agent alice { srtp dtls }\nagent bob { srtp off }\n"
    return meddling.run(f"{agents}on alice {{ {caller} }}\non bob: answer; expect hangup\n", out, InTheClear())


@pytest.mark.parametrize(("wait", "after"), [("200ms", "0.2 s"), ("2s", "2.0 s")])
def test_media_in_the_clear_is_told_of_however_short_the_call_was(wait: str, after: str, tmp_path: Path) -> None:
    ((agent, got),) = told(run_in_the_clear(f"call bob; wait {wait}; release", tmp_path))
    assert agent == "alice"
    assert got.startswith(f"the call ended {after} after its DTLS handshake had begun, and before there were keys; ")
    assert re.search(r"in the clear, [1-9]\d* packets of it$", got)


def test_media_in_the_clear_can_be_checked(tmp_path: Path) -> None:
    report = run_in_the_clear("call bob; wait 200ms; check media.srtp_failures == 0; release", tmp_path)
    failed = next(failure for failure in report.failures if failure.code != "SF507")
    assert (failed.agent, failed.statement) == ("alice", "check media.srtp_failures == 0")
    assert re.search(r"^media.srtp_failures is [1-9]", failed.got)
