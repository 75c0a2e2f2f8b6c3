"""Receive statistics: by hand-made streams, by the twin, and by what RFC 3550 says of reports."""

from __future__ import annotations

import random
from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins.statistics import Arrival, Statistics

MS = 1_000_000
VERDICTS = ["in order", "reordered", "duplicate", "pending", "restarted"]
BLOCK = ["ssrc", "fraction_lost", "cumulative_lost", "extended_highest_sequence_number", "jitter_ts"]


class CStatistics:
    """The C value with short names."""

    def __init__(self, core: Core, clock_rate: int = 8000) -> None:
        self.core = core
        self.value = core.new("sfm_stream_statistics")
        core.lib.sfm_stream_statistics_init(self.value, clock_rate)

    def update(self, packet: Arrival) -> str:
        header = self.core.new(
            "sfm_rtp_header",
            sequence_number=packet.sequence_number,
            timestamp=packet.timestamp,
            ssrc=packet.ssrc,
        )
        update = self.core.lib.sfm_stream_statistics_update
        return VERDICTS[update(self.value, header, packet.payload_bytes, packet.arrival_ns, int(packet.has_media_time))]

    def report(self) -> dict[str, int]:
        """The report block; empty when there is none."""
        block = self.core.new("sfm_rtcp_report_block")
        has_block = self.core.lib.sfm_stream_statistics_report(self.value, block)
        return {name: getattr(block, name) for name in BLOCK} if has_block else {}

    def __getattr__(self, name: str) -> Any:
        reader = getattr(self.core.lib, f"sfm_stream_statistics_{name}", None)
        return reader(self.value) if reader else getattr(self.value, name)


def fed(core: Core, packets: list[Arrival]) -> CStatistics:
    statistics = CStatistics(core)
    for packet in packets:
        statistics.update(packet)
    return statistics


def clean(count: int, sequence: int = 0, timestamp: int = 0) -> list[Arrival]:
    return [Arrival((sequence + n) % 65536, (timestamp + n * 160) % 2**32, n * 20 * MS) for n in range(count)]


def test_a_clean_stream_over_a_wrap_has_nothing_to_complain_of(core: Core) -> None:
    statistics = fed(core, clean(200, 65500, 2**32 - 1000))
    assert (statistics.received, statistics.expected, statistics.lost) == (200, 200, 0)
    assert (statistics.jitter_ns, statistics.max_gap_ns, statistics.reordered) == (0, 20 * MS, 0)
    assert statistics.received_bytes == 200 * 160
    assert statistics.report()["extended_highest_sequence_number"] == 65536 + 163


def test_loss_is_what_never_came(core: Core) -> None:
    packets = clean(100)
    statistics = fed(core, [p for n, p in enumerate(packets) if n not in (10, 20, 21, 22, 50)])
    assert (statistics.expected, statistics.lost, statistics.max_loss_burst) == (100, 5, 3)


def test_what_is_overtaken_is_no_loss(core: Core) -> None:
    packets = clean(300)
    for n in range(10, 290, 7):
        packets[n], packets[n + 2] = packets[n + 2], packets[n]
    statistics = fed(core, packets)
    assert statistics.reordered > 50
    assert (statistics.lost, statistics.max_loss_burst) == (0, 0)


def told(statistics: CStatistics, packet_count: int, ssrc: int = 1, *, at_ms: int = 60_000) -> int:
    statistics.core.lib.sfm_stream_statistics_told(statistics.value, ssrc, packet_count, at_ms * MS)
    return int(statistics.core.lib.sfm_stream_statistics_unseen(statistics.value))


def test_what_was_sent_behind_the_last_packet_is_known_by_what_sender_reports_count(core: Core) -> None:
    packets = clean(400)
    statistics = fed(core, packets[30:200])  # its first 30 packets nobody could hear
    assert told(statistics, 200) == 0, "what was sent before the first packet is no loss"
    assert told(statistics, 260) == 60
    assert told(statistics, 300, ssrc=2) == 60, "another source"
    for packet in packets[200:260]:
        statistics.update(packet)
    assert statistics.unseen == 0, "they were under way"
    assert told(statistics, 320) == 60
    for n in range(3):  # the sender begins anew
        statistics.update(Arrival(1000 + n, 5000 + 160 * n, (500 + n) * 20 * MS, ssrc=7))
    assert statistics.unseen == 0


def test_a_first_report_that_comes_late_tells_no_loss(core: Core) -> None:
    statistics = fed(core, clean(100))
    assert told(statistics, 2**32 - 5) == 0, "a count that began anywhere"
    assert told(statistics, 45) == 50, "over its wrap"


def test_a_report_is_compared_with_what_had_come_when_it_came_not_when_it_is_read(core: Core) -> None:
    """Packet n came at 20 n ms: the report of the first hundred lay unread until sixty more had come."""
    packets = clean(400)
    lost = {120, 121, *range(130, 140)}
    statistics = fed(core, [packet for n, packet in enumerate(packets[:160]) if n not in lost])
    assert told(statistics, 100, at_ms=1981) == 0
    assert told(statistics, 160) == 0
    assert told(statistics, 200) == 40, "what really is missing"


def test_of_a_report_that_lay_unread_for_longer_than_can_be_known_nothing_is_concluded(core: Core) -> None:
    statistics = fed(core, clean(400))
    assert told(statistics, 100, at_ms=1981) == 0
    assert told(statistics, 400) == 0
    assert told(statistics, 430) == 30


def test_duplicates_hide_no_loss(core: Core) -> None:
    packets = clean(100)
    statistics = fed(core, [p for n, p in enumerate(packets) if n != 50] + [packets[99]] * 3)
    assert (statistics.duplicate, statistics.lost) == (3, 1)
    assert statistics.report()["cumulative_lost"] == -2  # RFC 3550 A.3 counts duplicates as received


def test_a_late_packet_is_reordered_and_not_lost(core: Core) -> None:
    packets = clean(100)
    statistics = fed(core, [*packets[:40], *packets[41:60], packets[40], *packets[60:]])
    assert (statistics.reordered, statistics.max_reorder, statistics.lost) == (1, 19, 0)


def test_the_first_packet_may_not_be_the_lowest(core: Core) -> None:
    packets = clean(10)
    statistics = fed(core, [packets[2], packets[0], packets[1], *packets[3:]])
    assert (statistics.expected, statistics.lost) == (10, 0)


def test_fraction_lost_counts_since_the_last_report(core: Core) -> None:
    packets = clean(200)
    statistics = fed(core, packets[:90] + packets[100:110])
    assert statistics.report()["fraction_lost"] == 10 * 256 // 110
    for packet in packets[110:]:
        statistics.update(packet)
    report = statistics.report()
    assert (report["fraction_lost"], report["cumulative_lost"]) == (0, 10)


def test_nothing_to_report_before_the_first_packet(core: Core) -> None:
    statistics = CStatistics(core)
    assert statistics.report() == {}
    assert (statistics.expected, statistics.lost) == (0, 0)


def test_a_source_that_fell_silent_is_left_out_until_it_is_heard_again(core: Core) -> None:
    """RFC 3550 section 6.4: of sources heard from since the last report. What was lost is in the next block."""
    packets = clean(200)
    statistics = fed(core, packets[:100])
    assert statistics.report()["extended_highest_sequence_number"] == 99
    assert [statistics.report(), statistics.report()] == [{}, {}]
    statistics.update(packets[119])
    report = statistics.report()
    assert (report["fraction_lost"], report["cumulative_lost"]) == (19 * 256 // 20, 19)


def test_a_copy_or_a_late_packet_is_a_sign_of_life(core: Core) -> None:
    packets = clean(100)
    statistics = fed(core, packets[:90] + packets[91:])
    for late in (packets[90], packets[90]):
        assert statistics.report() and not statistics.report()
        statistics.update(late)
    assert statistics.report()["cumulative_lost"] == -1


def test_jitter_nears_the_mean_difference_of_transit_times(core: Core) -> None:
    """Packets alternately 0 and 8 ms late differ by 8 ms each: so does J, in the end (RFC 3550 A.8)."""
    statistics = fed(
        core, [Arrival(p.sequence_number, p.timestamp, p.arrival_ns + n % 2 * 8 * MS) for n, p in enumerate(clean(400))]
    )
    assert statistics.jitter_ns == pytest.approx(8 * MS, rel=1e-3)
    assert statistics.report()["jitter_ts"] in (63, 64)


def test_events_make_no_jitter(core: Core) -> None:
    """All packets of an event carry its start as timestamp: read as media they would look late, more and more."""
    packets = clean(100)
    events = [
        Arrival(p.sequence_number, packets[50].timestamp, p.arrival_ns, has_media_time=False) for p in packets[50:60]
    ]
    statistics = fed(core, packets[:50] + events + packets[60:])
    assert (statistics.jitter_ns, statistics.lost) == (0, 0)
    told_wrong = [Arrival(e.sequence_number, e.timestamp, e.arrival_ns) for e in events]
    assert fed(core, packets[:50] + told_wrong + packets[60:]).max_jitter_ns > 5 * MS


def test_a_jump_of_the_timestamp_is_no_jitter(core: Core) -> None:
    packets = clean(50) + [Arrival(p.sequence_number + 50, p.timestamp, p.arrival_ns + 1000 * MS) for p in clean(50)]
    assert fed(core, packets).max_jitter_ns <= 1
    assert fed(core, packets).lost == 0


@pytest.mark.parametrize(("ssrc", "sequence"), [(2, 0), (1, 30_000), (1, 60_000)])
def test_totals_go_on_over_a_restart(core: Core, ssrc: int, sequence: int) -> None:
    first = [p for n, p in enumerate(clean(100)) if n != 7]
    second = [
        Arrival(p.sequence_number, p.timestamp + 777_000, p.arrival_ns + 2000 * MS, ssrc)
        for n, p in enumerate(clean(100, sequence))
        if n != 8
    ]
    statistics = fed(core, first + second)
    assert (statistics.restarts, statistics.rejected) == (1, 0)
    assert (statistics.received, statistics.expected, statistics.lost) == (198, 200, 2)
    assert statistics.report()["cumulative_lost"] == 1
    assert statistics.jitter_ns == 0


def test_strays_of_another_sender_are_not_counted(core: Core) -> None:
    packets = [packet for p in clean(50) for packet in (p, Arrival(p.sequence_number, 0, p.arrival_ns, ssrc=9))]
    statistics = fed(core, packets)
    assert (statistics.received, statistics.restarts, statistics.rejected) == (50, 0, 49)


arrivals = st.lists(
    st.builds(
        Arrival,
        sequence_number=(st.integers(-40, 60) | st.integers(20_000, 20_010)).map(lambda n: n % 65536),
        timestamp=st.integers(0, 40).map(lambda n: n * 160) | st.integers(0, 2**32 - 1),
        arrival_ns=st.integers(0, 60 * MS),
        ssrc=st.sampled_from([1, 1, 1, 2]),
        payload_bytes=st.integers(0, 1500),
        has_media_time=st.booleans(),
    ),
    min_size=1,
    max_size=80,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=arrivals, report_every=st.integers(1, 40))
def test_the_twin_counts_the_same(core: Core, steps: list[Arrival], report_every: int) -> None:
    c, twin = CStatistics(core), Statistics(8000)
    now_ns = 0
    for n, step in enumerate(steps):
        now_ns += step.arrival_ns
        packet = Arrival(
            step.sequence_number, step.timestamp, now_ns, step.ssrc, step.payload_bytes, step.has_media_time
        )
        assert c.update(packet) == twin.update(packet)
        if n % report_every == 0:
            told = twin.report()
            assert c.report() == (told and told | {"extended_highest_sequence_number": twin.source.highest % 2**32})
    assert (c.expected, c.received, c.lost) == (twin.expected, twin.received, twin.lost)
    assert c.received_bytes == twin.bytes
    assert c.jitter_ns == twin.jitter_16 // 16
    assert (c.max_jitter_ns, c.max_gap_ns) == (twin.max_jitter, twin.max_gap)
    assert (c.max_loss_burst, c.max_reorder) == (twin.max_burst, twin.max_reorder)
    assert {name: getattr(c, name) for name in ("duplicate", "reordered", "restarts", "rejected")} == {
        name: twin.counts[name] for name in ("duplicate", "reordered", "restarts", "rejected")
    }


def test_the_twin_counts_the_same_over_a_long_rough_stream(core: Core) -> None:
    rng = random.Random(5)
    c, twin = CStatistics(core), Statistics(8000)
    sent = [(n * 20 + rng.uniform(0, 90), n) for n in range(5000) for _ in range(rng.choice([0, 1, 1, 1, 1, 2]))]
    for at_ms, n in sorted(sent):
        packet = Arrival((n + 65000) % 65536, n * 160, round(at_ms * MS))
        assert c.update(packet) == twin.update(packet)
    assert (c.expected, c.lost, c.jitter_ns) == (twin.expected, twin.lost, twin.jitter_16 // 16)
    assert c.lost > 100
