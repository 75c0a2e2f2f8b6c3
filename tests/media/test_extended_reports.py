"""VoIP metrics and reduced size in RTCP between two legs in virtual time: what is told is what was measured."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.media.stepped import PTIME_NS, Pair, SteppedLeg


def types(packet: bytes) -> list[int]:
    """Packet types of a compound."""
    found = []
    while packet:
        found.append(packet[1])
        packet = packet[4 * (int.from_bytes(packet[2:4], "big") + 1) :]
    return found


def pair(**params: Any) -> Pair:
    """Two started legs."""
    made = Pair()
    for leg in (made.a, made.b):
        leg.start(**params)
    return made


def remote(leg: SteppedLeg) -> Any:
    """What the peer said."""
    statistics: Any = leg.statistics()
    return statistics.remote


def test_what_was_measured_is_told() -> None:
    call = pair(rtcp_xr=1)
    call.a.impair(loss_per_million=100_000, burst_thousandths=4000)
    call.run(3000)
    report = call.b.rtcp(call.now_ns, bye=True)
    assert types(report) == [200, 202, 207, 203]
    assert call.a.receive_rtcp(report, call.now_ns) == 0
    counted, voip = call.b.statistics(), remote(call.a).voip
    pattern: Any = counted.pattern
    assert remote(call.a).extended_reports == 1
    assert voip.ssrc == call.a.statistics().ssrc
    assert voip.loss_rate == counted.packets_lost * 256 // counted.packets_expected > 10
    assert voip.burst_density == pattern.burst_missing * 256 // pattern.burst_packets > 64
    assert voip.burst_ms == pattern.burst_packets * 20 // pattern.bursts
    assert voip.gap_ms == pattern.gap_packets * 20 // pattern.gaps
    assert voip.end_system_ms == (counted.playout_delay_mean_ns + PTIME_NS) // 1_000_000
    assert (voip.discard_rate, voip.gmin, voip.receiver) == (0, 16, 0b10_11_0000)
    assert (voip.r_factor, voip.mos_cq, voip.mos_lq, voip.signal_dbm) == (127, 127, 127, 127)
    assert (voip.buffer_nominal_ms, voip.buffer_maximum_ms) == (20, 200)


def test_without_having_agreed_nobody_tells_metrics() -> None:
    call = pair().run(300)
    assert types(call.b.rtcp(call.now_ns, bye=True)) == [200, 202, 203]
    assert remote(call.a).extended_reports == 0


def test_metrics_about_another_stream_are_not_ours() -> None:
    call = pair(rtcp_xr=1).run(300)
    report = bytearray(call.b.rtcp(call.now_ns, bye=True))
    place = bytes(report).index(struct.pack(">BBHI", 7, 0, 8, call.a.statistics().ssrc))
    report[place + 4] ^= 1
    assert call.a.receive_rtcp(bytes(report), call.now_ns) == 0
    assert remote(call.a).extended_reports == 0 and remote(call.a).reports == 1


@pytest.mark.parametrize("reduced", [0, 1])
def test_of_reports_in_reduced_size_every_fourth_is_whole(reduced: int) -> None:
    call = pair(rtcp_reduced=reduced)
    reports = []
    while len(reports) < 9:
        call.run(1)
        if report := call.b.rtcp(call.now_ns):
            reports.append(types(report))
            assert call.a.receive_rtcp(report, call.now_ns) == 0
    whole = [200, 202]
    assert reports == [[200] if reduced and n % 4 else whole for n in range(9)]
    assert remote(call.a).reports == 9
    call.run(10)
    assert types(call.b.rtcp(call.now_ns, bye=True)) == [*whole, 203]
