"""Digits as telephone-events: what is sent, tick by tick, and what is understood of what gets through."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins.dtmf import DIGITS, Event, Receiver

KINDS = {1: "began", 2: "ended"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One packet of the sender and the tick it went out in."""

    tick: int
    timestamp: int
    code: int
    duration_ts: int
    end: bool
    marker: bool

    def numbered(self, sequence_number: int) -> Event:
        return Event(sequence_number % 65536, self.timestamp, self.code, self.duration_ts, self.end, self.marker)


class Sender:
    """The C sender."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.sender = core.new("sfm_dtmf_sender")
        self.packets = core.ffi.new("sfm_dtmf_packet[]", core.lib.SFM_DTMF_MAX_PACKETS)

    def start(self, digits: str, *, clock_rate: int = 8000, **fields: int) -> int:
        text = self.core.ffi.new("char[]", digits.encode())
        values = {"tone_ms": 50, "gap_ms": 50, "pause_ms": 500, "volume_dbm0": 10} | fields
        sequence = self.core.new("sfm_dtmf_sequence", digits=text, **values)
        return self.core.lib.sfm_dtmf_sender_start(self.sender, clock_rate, sequence)

    def tick(self, number: int, timestamp: int, ptime_ts: int) -> list[Sent]:
        count = self.core.lib.sfm_dtmf_sender_next(self.sender, timestamp, ptime_ts, self.packets)
        assert count >= 0
        return [self._read(number, self.packets[i]) for i in range(count)]

    def _read(self, number: int, packet: Any) -> Sent:
        code, flags, duration_ts = struct.unpack("!BBH", bytes(packet.payload))
        assert bool(flags & 0x80) == bool(packet.end)
        assert flags & 0x7F == 10
        return Sent(number, packet.timestamp, code, duration_ts, bool(packet.end), bool(packet.marker))

    @property
    def busy(self) -> bool:
        return bool(self.core.lib.sfm_dtmf_sender_busy(self.sender))

    def stop(self) -> int:
        return int(self.core.lib.sfm_dtmf_sender_stop(self.sender))


def send(core: Core, digits: str, *, ptime_ts: int = 160, timestamp: int = 1000, **fields: int) -> list[Sent]:
    """All packets of a string of digits, from tick 0 at `timestamp` on."""
    sender = Sender(core)
    assert sender.start(digits, **fields) == 0
    sent: list[Sent] = []
    for n in range(100_000):
        packets = sender.tick(n, (timestamp + n * ptime_ts) % 2**32, ptime_ts)
        if not packets and not sender.busy:
            return sent
        sent += packets
    raise AssertionError("the sender never ends")


def listen(core: Core, events: Iterable[Event]) -> list[tuple[str, str, int]]:
    """What the C receiver reports."""
    receiver, report = core.new("sfm_dtmf_receiver"), core.new("sfm_dtmf_report")
    heard = []
    for e in events:
        kind = core.lib.sfm_dtmf_receiver_put(
            receiver, e.sequence_number, e.timestamp, e.marker, e.payload, len(e.payload), report
        )
        assert kind == report.kind
        if kind:
            heard.append((KINDS[kind], report.digit.decode(), report.duration_ts))
    return heard


def digits_of(reports: Iterable[tuple[str, str, int]]) -> str:
    return "".join(digit for kind, digit, _ in reports if kind == "began")


def numbered(sent: Iterable[Sent], first: int = 0) -> list[Event]:
    return [packet.numbered(first + n) for n, packet in enumerate(sent)]


# --- sending -------------------------------------------------------------------------------------------------------


def test_a_digit_of_50_ms_packet_by_packet(core: Core) -> None:
    sent = send(core, "5")
    assert [(p.tick, p.timestamp, p.duration_ts, p.marker, p.end) for p in sent] == [
        (0, 1000, 160, True, False),
        (1, 1000, 320, False, False),
        (2, 1000, 400, False, True),
        (3, 1000, 400, False, True),
        (4, 1000, 400, False, True),
    ]
    assert {p.code for p in sent} == {5}


@pytest.mark.parametrize("ptime_ts", [80, 160])
def test_50_ms_tones_and_gaps_take_100_ms_a_digit(core: Core, ptime_ts: int) -> None:
    starts = [packet.timestamp for packet in send(core, DIGITS, ptime_ts=ptime_ts) if packet.marker]
    assert starts == [1000 + 800 * n for n in range(16)]


@pytest.mark.parametrize(("tone_ms", "gap_ms"), [(20, 0), (20, 20), (40, 0)])
def test_short_digits_are_not_held_up_by_the_ends_of_the_one_before(core: Core, tone_ms: int, gap_ms: int) -> None:
    starts = [packet.timestamp for packet in send(core, "123", tone_ms=tone_ms, gap_ms=gap_ms) if packet.marker]
    assert starts == [1000 + n * (tone_ms + gap_ms) * 8 for n in range(3)]


@pytest.mark.parametrize("ptime_ts", [80, 160, 240, 320, 480])
@pytest.mark.parametrize(("tone_ms", "gap_ms"), [(50, 50), (10, 0), (100, 20), (40, 200), (1, 1), (3000, 30)])
def test_every_digit_keeps_the_rules_of_the_rfc(core: Core, ptime_ts: int, tone_ms: int, gap_ms: int) -> None:
    sent = send(core, "11#D*a", ptime_ts=ptime_ts, tone_ms=tone_ms, gap_ms=gap_ms)
    starts = sorted({packet.timestamp for packet in sent})
    assert len(starts) == 6
    assert all(b - a >= (tone_ms + gap_ms) * 8 for a, b in pairwise(starts))
    for start, digit in zip(starts, "11#D*A", strict=True):
        packets = [packet for packet in sent if packet.timestamp == start]
        durations = [packet.duration_ts for packet in packets]
        assert {DIGITS[packet.code] for packet in packets} == {digit}
        assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
        assert [packet.end for packet in packets] == [False] * (len(packets) - 3) + [True] * 3
        assert durations == sorted(durations)
        assert durations[-1] == tone_ms * 8
    ticks = [packet.tick for packet in sent]
    assert ticks == sorted(ticks)


def test_digits_follow_each_other_in_order_of_time(core: Core) -> None:
    """No packet of a digit goes out after one of the next."""
    sent = send(core, "123456", tone_ms=20, gap_ms=20)
    assert [packet.timestamp for packet in sent] == sorted(packet.timestamp for packet in sent)


def test_a_comma_is_a_pause(core: Core) -> None:
    starts = [packet.timestamp for packet in send(core, ",1,,2,", pause_ms=500) if packet.marker]
    assert starts == [1000 + 4000, 1000 + 4000 + 800 + 8000]


def test_the_sender_is_busy_until_the_last_gap_is_over(core: Core) -> None:
    sender = Sender(core)
    assert sender.start("1", gap_ms=200) == 0
    busy = []
    for n in range(20):
        sender.tick(n, n * 160, 160)
        busy.append(sender.busy)
    assert busy == [True] * 13 + [False] * 7  # 250 ms; the tick at 260 ms is the first with audio


def test_an_event_longer_than_a_segment_goes_on_in_the_next(core: Core) -> None:
    sent = send(core, "7", tone_ms=20_000)
    starts = list(dict.fromkeys(packet.timestamp for packet in sent))
    assert starts == [1000, 1000 + 0xFFFF, 1000 + 2 * 0xFFFF]
    last_of = {start: [p for p in sent if p.timestamp == start][-1] for start in starts}
    assert [(p.duration_ts, p.end) for p in last_of.values()] == [
        (0xFFFF, False),
        (0xFFFF, False),
        (160_000 - 2 * 0xFFFF, True),
    ]
    assert sum(packet.marker for packet in sent) == 1
    assert sum(packet.end for packet in sent) == 3
    reports = listen(core, numbered(sent))
    assert reports == [("began", "7", 160), ("ended", "7", 160_000)]


def test_a_segment_lost_as_a_whole_makes_no_new_digit(core: Core) -> None:
    sent = numbered(send(core, "7", tone_ms=20_000))
    starts = sorted({e.timestamp for e in sent})
    reports = listen(core, [e for e in sent if e.timestamp != starts[1]])
    assert reports == [("began", "7", 160), ("ended", "7", 160_000)]


def test_a_marker_makes_a_new_digit_even_where_a_segment_would_begin(core: Core) -> None:
    first, second = Event(1, 0, 7, 400, marker=True), Event(9, 0xFFFF, 7, 160, marker=True)
    assert digits_of(listen(core, [first, second])) == "77"


def test_timestamps_wrap_within_a_digit(core: Core) -> None:
    sent = send(core, "12", timestamp=2**32 - 240, tone_ms=100)
    assert digits_of(listen(core, numbered(sent, 65533))) == "12"


def test_stop_ends_the_digit_and_forgets_the_rest(core: Core) -> None:
    sender = Sender(core)
    assert sender.start("123", tone_ms=1000, gap_ms=1000) == 0
    sent = [packet for n in range(3) for packet in sender.tick(n, n * 160, 160)]
    assert sender.stop() == 1
    sent += [packet for n in range(3, 10) for packet in sender.tick(n, n * 160, 160)]
    assert not sender.busy
    assert [packet.end for packet in sent] == [False] * 3 + [True] * 3
    assert sent[-1].duration_ts == 480
    assert {packet.code for packet in sent} == {1}


@pytest.mark.parametrize(("ticks", "begun", "packets_after"), [(0, 0, 0), (3, 1, 2), (5, 1, 0), (6, 2, 3)])
def test_stop_counts_the_digits_that_began(core: Core, ticks: int, begun: int, packets_after: int) -> None:
    sender = Sender(core)
    assert sender.start("1,23", pause_ms=0) == 0
    for n in range(ticks):
        sender.tick(n, n * 160, 160)
    assert sender.stop() == begun
    assert sum(len(sender.tick(n, n * 160, 160)) for n in range(ticks, ticks + 10)) == packets_after
    assert not sender.busy


@pytest.mark.parametrize(
    ("digits", "fields", "error"),
    [
        ("", {}, "SFM_ERROR_ARGUMENT"),
        ("1" * 129, {}, "SFM_ERROR_ARGUMENT"),
        ("12E", {}, "SFM_ERROR_DIGIT"),
        ("1 2", {}, "SFM_ERROR_DIGIT"),
        ("1", {"tone_ms": 0}, "SFM_ERROR_ARGUMENT"),
        ("1", {"tone_ms": 60_001}, "SFM_ERROR_ARGUMENT"),
        ("1", {"gap_ms": 60_001}, "SFM_ERROR_ARGUMENT"),
        ("1", {"volume_dbm0": 64}, "SFM_ERROR_ARGUMENT"),
        ("1", {"clock_rate": 0}, "SFM_ERROR_ARGUMENT"),
    ],
)
def test_what_cannot_be_sent_is_refused(core: Core, digits: str, fields: dict[str, int], error: str) -> None:
    sender = Sender(core)
    assert sender.start(digits, **fields) == getattr(core.lib, error)
    assert not sender.busy


def test_a_second_string_has_to_wait(core: Core) -> None:
    sender = Sender(core)
    assert sender.start("1" * 128) == 0
    assert sender.start("2") == core.lib.SFM_ERROR_BUSY


# --- receiving -----------------------------------------------------------------------------------------------------


def test_each_of_the_sixteen_digits_is_reported_once(core: Core) -> None:
    reports = listen(core, numbered(send(core, DIGITS)))
    assert digits_of(reports) == DIGITS
    assert [(digit, duration) for kind, digit, duration in reports if kind == "ended"] == [(d, 400) for d in DIGITS]


def test_sixteen_digits_survive_five_per_cent_loss(core: Core) -> None:
    """50 ms tones and gaps; all packets of one digit are lost once in three million digits."""
    sent = numbered(send(core, DIGITS), 65500)
    for seed in range(500):
        rng = random.Random(seed)
        assert digits_of(listen(core, [e for e in sent if rng.random() >= 0.05])) == DIGITS, f"seed {seed}"


def test_two_equal_digits_in_a_row_are_two_whatever_is_lost(core: Core) -> None:
    """Every choice of packets that leaves one of each digit."""
    sent = numbered(send(core, "55"))
    assert len(sent) == 10
    for kept in range(1, 1024):
        came = [e for n, e in enumerate(sent) if kept >> n & 1]
        expected = (kept & 0b11111 > 0) + (kept >> 5 > 0)
        assert digits_of(listen(core, came)) == "5" * expected, f"packets {kept:010b}"


@pytest.mark.parametrize("only", range(5))
def test_any_single_packet_is_enough(core: Core, only: int) -> None:
    sent = numbered(send(core, "9"))
    began = listen(core, [sent[only]])
    assert began[0][:2] == ("began", "9")
    assert len(began) == 1


def test_repeated_and_reordered_packets_are_the_same_digit(core: Core) -> None:
    sent = numbered(send(core, "123#"))
    for seed in range(200):
        rng = random.Random(seed)
        at = [(n + rng.uniform(0, 4), e) for n, e in enumerate(sent) for _ in range(rng.choice([1, 1, 2]))]
        shuffled = [e for _, e in sorted(at, key=lambda pair: pair[0])]
        assert sorted(digits_of(listen(core, shuffled))) == sorted("123#")


def test_a_stray_of_an_old_digit_is_never_a_digit_again(core: Core) -> None:
    sent = numbered(send(core, DIGITS + DIGITS))
    heard = digits_of(listen(core, [*sent, *sent[:40], sent[0], *sent]))
    assert heard == DIGITS + DIGITS


@pytest.mark.parametrize("timestamp", [10, 2_000_000_000, 2_990_000_000, 3_500_000_000])
def test_a_digit_after_a_long_silence_or_a_restart_is_a_digit(core: Core, timestamp: int) -> None:
    sent = numbered(send(core, DIGITS, timestamp=3_000_000_000))
    other = numbered(send(core, "7", timestamp=timestamp))
    assert digits_of(listen(core, sent + other)) == DIGITS + "7"


def test_a_sender_that_steps_the_timestamp_within_an_event_is_understood(core: Core) -> None:
    """As some gateways do it: each packet, ends included, carries its own time."""

    def stepped(start: int, first: int, code: int) -> list[Event]:
        durations = [160, 320, 480, 640, 800, 800, 800]
        return [
            Event(first + n, start + 160 * n, code, duration, end=n >= 4, marker=n == 0)
            for n, duration in enumerate(durations)
        ]

    events = stepped(0, 0, 5) + stepped(8000, 7, 5) + stepped(16_000, 14, 6)
    assert digits_of(listen(core, events)) == "556"


def test_events_that_are_no_digits_are_passed_over(core: Core) -> None:
    assert listen(core, [Event(1, 0, code, 400) for code in (16, 32, 64, 255)]) == []


@pytest.mark.parametrize("length", range(4))
def test_a_payload_without_all_four_bytes_is_refused(core: Core, length: int) -> None:
    report = core.new("sfm_dtmf_report")
    payload = core.ffi.new("uint8_t[]", length) if length else core.ffi.NULL
    result = core.lib.sfm_dtmf_receiver_put(core.new("sfm_dtmf_receiver"), 0, 0, 0, payload, length, report)
    assert result == core.lib.SFM_ERROR_TRUNCATED


events = st.builds(
    Event,
    sequence_number=st.integers(65530, 65550).map(lambda n: n % 65536),
    timestamp=st.integers(-3, 12).map(lambda n: n * 160 % 2**32) | st.sampled_from([0xFFFF, 0x1FFFE, 2**20, 2**31]),
    code=st.integers(0, 2) | st.integers(0, 255),
    duration_ts=st.sampled_from([0, 160, 320, 480, 0xFFFF]),
    end=st.booleans(),
    marker=st.booleans(),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(packets=st.lists(events, max_size=60))
def test_the_twin_hears_the_same(core: Core, packets: list[Event]) -> None:
    twin = Receiver()
    assert listen(core, packets) == [report for e in packets if (report := twin.put(e)) is not None]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    digits=st.text(DIGITS, min_size=1, max_size=30),
    seed=st.integers(0, 2**32),
    start=st.sampled_from([0, 2**32 - 8000]),
)
def test_the_twin_hears_the_same_of_a_rough_network(core: Core, digits: str, seed: int, start: int) -> None:
    rng = random.Random(seed)
    sent = numbered(send(core, digits, timestamp=start, tone_ms=rng.choice([20, 50, 9000])), 65500)
    at = [(n + rng.uniform(0, 6), e) for n, e in enumerate(sent) for _ in range(rng.choice([0, 1, 1, 2]))]
    came = [e for _, e in sorted(at, key=lambda pair: pair[0])]
    twin = Receiver()
    assert listen(core, came) == [report for e in came if (report := twin.put(e)) is not None]


# --- codes ---------------------------------------------------------------------------------------------------------


def test_digits_and_codes(core: Core) -> None:
    assert [core.lib.sfm_dtmf_code(digit.encode()) for digit in DIGITS] == list(range(16))
    assert [core.lib.sfm_dtmf_code(digit) for digit in (b"a", b"d")] == [12, 15]
    assert [core.lib.sfm_dtmf_code(c) for c in (b"E", b"e", b",", b" ", b"\0")] == [core.lib.SFM_ERROR_DIGIT] * 5
    assert b"".join(core.lib.sfm_dtmf_digit(code) for code in range(16)).decode() == DIGITS
    assert core.lib.sfm_dtmf_digit(16) == b"\0"


@pytest.mark.parametrize("name", [*"0123456789", "star", "pound"])
def test_a_recorded_digit(core: Core, corpora: Path, name: str) -> None:
    capture = (corpora / "rtp-dtmf-pcap" / f"dtmf_2833_{name}.pcap").read_bytes()
    found, at = [], 24
    while at + 16 <= len(capture):
        length = int.from_bytes(capture[at + 8 : at + 12], "little")
        packet = capture[at + 16 + 42 : at + 16 + length]
        at += 16 + length
        if len(packet) < 16:
            continue
        sequence_number, timestamp = struct.unpack_from("!HI", packet, 2)
        code, flags, duration_ts = struct.unpack_from("!BBH", packet, 12)
        found.append(Event(sequence_number, timestamp, code, duration_ts, bool(flags & 0x80), bool(packet[1] & 0x80)))
    assert len(found) > 3
    assert digits_of(listen(core, found)) == {"star": "*", "pound": "#"}.get(name, name)
