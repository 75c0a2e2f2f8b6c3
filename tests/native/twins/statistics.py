"""Receive statistics kept the simple way: every sequence number that came is remembered (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field

from twins.sequence import Source, ns_from_ts, wrapped_delta

DISCONTINUITY_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One packet."""

    sequence_number: int
    timestamp: int
    arrival_ns: int
    ssrc: int = 1
    payload_bytes: int = 160
    has_media_time: bool = True


@dataclass(slots=True)
class Stream:
    """What came from one source."""

    numbers: Counter[int] = field(default_factory=Counter)
    reported: tuple[int, int] = (0, 0)

    @property
    def expected(self) -> int:
        return max(self.numbers) - min(self.numbers) + 1 if self.numbers else 0

    @property
    def received(self) -> int:
        return sum(self.numbers.values())


class Statistics:
    """`update` says what the packet was; the rest is read off."""

    def __init__(self, clock_rate: int) -> None:
        self.clock_rate = clock_rate
        self.source = Source()
        self.streams = [Stream()]
        self.pending: Arrival | None = None
        self.counts: Counter[str] = Counter()
        self.jitter_16 = 0
        self.max_jitter = self.max_gap = self.max_reorder = 0
        self.bytes = 0
        self.last_arrival: int | None = None
        self.last_timed: Arrival | None = None

    def update(self, packet: Arrival) -> str:
        """in order, reordered, duplicate, pending or restarted."""
        tracked, sequence = self.source.track(packet.ssrc, packet.sequence_number)
        pending, self.pending = self.pending, None
        if tracked == "restarted":
            assert pending is not None
            self.streams.append(Stream(Counter([sequence - 1])))
            self.counts["restarts"] += 1
            self.bytes += pending.payload_bytes
            self.last_timed = None
        else:
            self.counts["rejected"] += pending is not None
        if tracked == "pending":
            self.pending = packet
            return "pending"
        verdict = "restarted" if tracked == "restarted" else self._place(sequence)
        self.streams[-1].numbers[sequence] += 1
        self.counts[verdict] += 1
        self.bytes += packet.payload_bytes
        self._time(packet, verdict)
        return verdict

    def _place(self, sequence: int) -> str:
        numbers = self.streams[-1].numbers
        if not numbers:
            return "in order"
        if sequence in numbers:
            return "duplicate"
        newest = max(numbers)
        if sequence > newest:
            return "in order"
        self.max_reorder = max(self.max_reorder, newest - sequence)
        return "reordered"

    @property
    def max_burst(self) -> int:
        """The longest stretch of numbers that never came, in any stream."""
        longest = 0
        for stream in self.streams:
            numbers = sorted(stream.numbers)
            steps = (after - before - 1 for before, after in itertools.pairwise(numbers))
            longest = max(longest, *steps, 0)
        return longest

    def _time(self, packet: Arrival, verdict: str) -> None:
        if self.last_arrival is not None:
            self.max_gap = max(self.max_gap, packet.arrival_ns - self.last_arrival)
        self.last_arrival = packet.arrival_ns
        if not packet.has_media_time or verdict == "duplicate":
            return
        if self.last_timed is not None:
            step_ts = wrapped_delta(packet.timestamp, self.last_timed.timestamp, 32)
            sent_ns = ns_from_ts(step_ts, self.clock_rate)
            difference = abs(packet.arrival_ns - self.last_timed.arrival_ns - sent_ns)
            if difference < DISCONTINUITY_NS:
                self.jitter_16 += difference - (self.jitter_16 + 8) // 16
            self.max_jitter = max(self.max_jitter, self.jitter_16 // 16)
        self.last_timed = packet

    @property
    def expected(self) -> int:
        return sum(stream.expected for stream in self.streams)

    @property
    def received(self) -> int:
        return sum(stream.received for stream in self.streams)

    @property
    def lost(self) -> int:
        return self.expected - sum(len(stream.numbers) for stream in self.streams)

    def report(self) -> dict[str, int]:
        """A report block about the current source, empty when nothing came of it since the last one."""
        stream = self.streams[-1]
        if stream.received == stream.reported[1]:
            return {}
        expected = stream.expected - stream.reported[0]
        received = stream.received - stream.reported[1]
        stream.reported = (stream.expected, stream.received)
        lost = expected - received
        return {
            "ssrc": self.source.ssrc or 0,
            "fraction_lost": min(lost * 256 // expected, 255) if expected and lost > 0 else 0,
            "cumulative_lost": stream.expected - stream.received,
            "extended_highest_sequence_number": self.source.highest,
            "jitter_ts": self.jitter_16 // 16 * self.clock_rate // 1_000_000_000,
        }
