"""What the peer's RTCP says of our packets, a peer that heard none of them included."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

import sipflow
from tests.media.stepped import Pair, SteppedLeg

PEER_SSRC = 77


def report(leg: SteppedLeg, *, fraction: int | None = None, highest: int = 0, sends: bool = False) -> bytes:
    """A receiver or sender report of the peer; without `fraction` it has no block."""
    info = bytes(20) if sends else b""
    statistics: Any = leg.statistics()
    block = b"" if fraction is None else struct.pack("!IIIIII", statistics.ssrc, fraction << 24, highest, 0, 0, 0)
    body = struct.pack("!I", PEER_SSRC) + info + block
    return struct.pack("!BBH", 0x80 | bool(block), 200 if sends else 201, len(body) // 4) + body


def take(call: Pair, **fields: Any) -> Any:
    """Let a report come, and see what is known then."""
    assert call.a.receive_rtcp(report(call.a, **fields), call.now_ns) == 0
    statistics: Any = call.a.statistics()
    return statistics.remote


@pytest.mark.parametrize("sends", [False, True])
def test_a_report_without_us_after_a_second_of_packets_says_that_nothing_was_heard(sends: bool) -> None:
    call = Pair().start().run(51)
    assert take(call, sends=sends).heard_nothing == 1


def test_a_report_that_came_too_early_says_nothing() -> None:
    call = Pair().start().run(20)
    assert take(call).heard_nothing == 0


def test_a_peer_that_heard_us_is_believed() -> None:
    call = Pair().start().run(100)
    told = take(call, fraction=26, highest=90)
    assert (told.heard_nothing, told.fraction_lost, told.reports) == (0, 26, 1)
    assert take(call.run(100), fraction=0, highest=190).heard_nothing == 0


def test_a_peer_that_hears_us_no_more_repeats_itself_or_says_nothing() -> None:
    call = Pair().start().run(100)
    take(call, fraction=0, highest=90)
    assert take(call.run(100), fraction=0, highest=90).heard_nothing == 1
    assert take(call.run(100)).heard_nothing == 1
    assert take(call.run(100), fraction=128, highest=400).heard_nothing == 0


def test_where_nothing_was_sent_nothing_can_be_missed() -> None:
    call = Pair().start().run(100)
    take(call, fraction=0, highest=90)
    call.a.start(sends=0)  # held
    assert take(call.run(300)).heard_nothing == 0


def next_report(call: Pair) -> bytes:
    """b's next report, once it is due."""
    reports: list[bytes] = []
    call.run_until(lambda: bool(reports.append(call.b.rtcp(call.now_ns)) or reports[-1]), 400)
    return reports[-1]


def test_who_fell_silent_is_left_out_of_reports_and_knows_by_that_that_nobody_hears_him() -> None:
    """RFC 3550 section 6.4: report blocks are of sources heard from since the last report."""
    call = Pair().start()
    told = []
    for lost in (False, False, True, True, True, False):
        call.a.impair(**({"loss_per_million": 1_000_000} if lost else {}))
        packet = next_report(call)
        call.a.receive_rtcp(packet, call.now_ns)
        remote: Any = call.a.statistics().remote
        told.append((packet[1], packet[0] & 31, remote.heard_nothing, remote.cumulative_lost))
    heard, silent = (200, 1, 0, 0), (200, 0, 1, 0)
    assert told[:5] == [heard, heard, silent, silent, silent]
    assert told[5][:3] == heard[:3] and told[5][3] > 300  # of the next block, all that was lost meanwhile


LOST = """
agent alice { ptime PTIME }
on alice { call bob; WAITimpair loss 100%; wait 14s; check media.remote_loss == 100%
  clear impairment; wait 12s; check media.remote_loss < 50%
  wait 10s; check media.remote_loss == 0%; release }
on bob { answer; expect hangup within 60s }
"""


@pytest.mark.parametrize("before", ["", "wait 10s; check media.remote_loss == 0%; "])
@pytest.mark.parametrize("ptime", ["20ms", "60ms"])
def test_the_share_that_is_lost_is_all(tmp_path: Path, ptime: str, before: str) -> None:
    scenario = LOST.replace("PTIME", ptime).replace("WAIT", before)
    result = sipflow.run(scenario, out=tmp_path, sim=True, seed=3)
    assert result.passed, result.failures
