"""The jitter buffer of sfm_jitter.h once more, as a dictionary of packets and whole numbers.

What is here and not there: no memory limits but the rule they follow, no ring, no slots, no wrapping arithmetic.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from twins.sequence import Source, extend, ns_from_ts, ts_from_ns

MS = 1_000_000
SECOND = 1_000_000_000
CONCEAL_NS = 100 * MS
HYSTERESIS_NS = 20 * MS
JUMP_SLACK_NS = 100 * MS
WINDOW_NS = 8 * SECOND
MARGIN_NS = 10 * MS
SPELL_NS = SECOND // 2
SPELL_OVER_NS = 5 * MS
PEAKS = 3
LATE_RUN = 5


@dataclass(frozen=True, slots=True)
class Config:
    """Delays in ms; capacity in packets."""

    clock_rate: int = 8000
    initial_delay_ms: int = 40
    min_delay_ms: int = 20
    max_delay_ms: int = 200
    fixed: bool = False
    packet_capacity: int = 64


@dataclass(frozen=True, slots=True)
class Packet:
    """As it came; `timestamp` and `sequence_number` as on the wire."""

    sequence_number: int
    timestamp: int
    arrival_ns: int
    duration_ts: int = 160
    ssrc: int = 1
    is_event: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """What is played next: `packet`, `conceal`, `silence` or `waiting`."""

    kind: str
    duration_ts: int
    sequence_number: int = 0
    delay_ns: int = 0


@dataclass(slots=True)
class Held:
    """A packet inside, with unwrapped numbers."""

    sequence: int
    timestamp: int
    packet: Packet

    @property
    def end(self) -> int:
        return self.timestamp + self.packet.duration_ts


@dataclass(slots=True)
class Window:
    """A stretch of time: its shortest transit, and the largest delay of each spell in it."""

    shortest: int = 0
    peaks: list[int] = field(default_factory=list)


class Network:
    """Transit times, and the delay that they call for."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.zero: tuple[int, int] | None = None
        self.last_transit = 0
        self.window_start: int | None = None
        self.windows = [Window(), Window()]  # previous, current
        self.spell_start, self.spell_peak = 0, 0
        self.learned = False

    def shortest(self) -> int:
        return min(window.shortest for window in self.windows)

    def transit(self, timestamp: int, arrival_ns: int) -> int:
        zero_timestamp, zero_arrival = self.zero or (timestamp, arrival_ns)
        return arrival_ns - zero_arrival - ns_from_ts(timestamp - zero_timestamp, self.config.clock_rate)

    def observe(self, timestamp: int, arrival_ns: int) -> None:
        transit = self.transit(timestamp, arrival_ns)
        if self.zero is None or abs(transit - self.last_transit) >= SECOND:
            self.zero = (timestamp, arrival_ns)
            transit = 0
            for window in self.windows:
                window.shortest = 0
            if self.window_start is None:
                self.window_start = self.spell_start = arrival_ns
        self.last_transit = transit
        self._turn(transit, arrival_ns)
        current = self.windows[1]
        current.shortest = min(current.shortest, transit)
        self._note(transit - self.shortest(), arrival_ns)

    def _note(self, delay: int, arrival_ns: int) -> None:
        if arrival_ns - self.spell_start < SPELL_NS or delay > self.spell_peak // 2 + SPELL_OVER_NS:
            self.spell_peak = max(self.spell_peak, delay)
        else:
            self.windows[1].peaks.append(self.spell_peak)
            self.spell_start, self.spell_peak = arrival_ns, delay

    def _turn(self, transit: int, arrival_ns: int) -> None:
        assert self.window_start is not None
        age = arrival_ns - self.window_start
        if age < WINDOW_NS:
            return
        previous = self.windows[1] if age < 2 * WINDOW_NS else Window(transit)
        self.windows = [previous, Window(transit)]
        self.window_start = arrival_ns
        self.learned = True

    def target(self) -> int:
        config = self.config
        if config.fixed:
            return config.initial_delay_ms * MS
        peaks = sorted([*(peak for window in self.windows for peak in window.peaks), self.spell_peak, *[0] * PEAKS])
        needed = peaks[-PEAKS if self.learned else -1] + MARGIN_NS
        if not self.learned:
            needed = max(needed, config.initial_delay_ms * MS)
        return min(max(needed, config.min_delay_ms * MS), config.max_delay_ms * MS)

    def due(self, held: Held) -> int:
        wait = self.transit(held.timestamp, held.packet.arrival_ns) - self.shortest()
        return held.packet.arrival_ns - max(wait, 0) + self.target()


@dataclass(slots=True)
class TimeLine:
    """Where playing is in the sender's time; forgotten at a restart."""

    position: int = 0
    played_end: int = 0
    next_sequence: int | None = None
    came: set[int] = field(default_factory=set)
    starved: int = 0
    guessed: int = 0
    last_duration: int = 0
    started: bool = False
    after_event: bool = False
    late_run: int = 0


class Jitter:
    """`put` packets, `get` pieces."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.source = Source()
        self.network = Network(config)
        self.line = TimeLine()
        self.inside: dict[int, Held] = {}
        self.newest: Held | None = None
        self.candidate: Packet | None = None
        self.counts: Counter[str] = Counter()
        self.delays: list[int] = []
        self.max_ns = (config.initial_delay_ms if config.fixed else config.max_delay_ms) * MS

    # --- in

    def put(self, packet: Packet) -> str:
        """accepted, duplicate, late, pending or restarted."""
        self.counts["received"] += 1
        verdict, sequence = self.source.track(packet.ssrc, packet.sequence_number)
        candidate, self.candidate = self.candidate, None
        if verdict == "restarted":
            assert candidate is not None
            self.counts["discarded"] += len(self.inside)
            self.counts["resets"] += 1
            self._end_guess(0)
            self.inside, self.newest, self.line, self.network.zero = {}, None, TimeLine(), None
            self._place(candidate, sequence - 1)
            self._place(packet, sequence)
            return "restarted"
        self.counts["discarded"] += candidate is not None
        if verdict == "pending":
            self.candidate = packet
            return "pending"
        return self._place(packet, sequence)

    def _place(self, packet: Packet, sequence: int) -> str:
        timestamp = extend(self.newest.timestamp, packet.timestamp, 32) if self.newest else packet.timestamp
        held = Held(sequence, timestamp, packet)
        verdict = self._judge(held)
        if not packet.is_event and verdict != "duplicate":
            self.network.observe(timestamp, packet.arrival_ns)
        if verdict != "accepted":
            return verdict
        self.line.late_run = 0
        too_old = [n for n in sorted(self.inside) if n <= sequence - self.config.packet_capacity]
        for number in too_old:
            self._drop(number)
        self.inside[sequence] = held
        if too_old:
            self._skip_to_head()
        if self.newest and sequence < self.newest.sequence:
            self.counts["reordered"] += 1
        else:
            self.newest = held
        return "accepted"

    def _judge(self, held: Held) -> str:
        line, sequence = self.line, held.sequence
        if line.next_sequence is not None and sequence < line.next_sequence:
            if sequence in line.came and line.next_sequence - sequence <= 64:
                return self._count("duplicate")
            line.came.add(sequence)
            self.counts["events" if held.packet.is_event else "late"] += 1
            return "late"
        if sequence in self.inside:
            return self._count("duplicate")
        if self.newest and sequence <= self.newest.sequence - self.config.packet_capacity:
            return self._count("late")
        if self._is_time_over(held) and not self._gives_up():
            return self._count("late")
        return "accepted"

    def _count(self, name: str) -> str:
        self.counts[name] += 1
        return name

    def _is_time_over(self, held: Held) -> bool:
        if not self.line.started or held.packet.is_event:
            return False
        if self.config.fixed:
            return held.timestamp < self.line.position + self.line.starved
        assert self.newest is not None
        return held.sequence < self.newest.sequence and held.timestamp < self.line.position

    def _gives_up(self) -> bool:
        self.line.late_run += 1
        if not self.config.fixed or self.line.late_run < LATE_RUN:
            return False
        self.line.started = False
        self.network.zero = None
        self.counts["resets"] += 1
        return True

    def _drop(self, number: int) -> None:
        held = self.inside.pop(number)
        self.counts["overflow"] += 1
        if self.line.next_sequence is None:
            return
        self.line.next_sequence = number + 1
        self.line.came.add(number)
        if not held.packet.is_event:
            self.line.played_end = held.end

    def _skip_to_head(self) -> None:
        head = self._head()
        if self.line.started and head:
            self.line.position = head.timestamp
            self._end_guess(0)

    # --- out

    def _head(self) -> Held | None:
        return self.inside[min(self.inside)] if self.inside else None

    def get(self, now_ns: int, wanted_ts: int) -> Piece:
        """The next piece."""
        if self.line.started and not self.config.fixed:
            self._drop_excess(wanted_ts)
        head = self._find_head(now_ns)
        if head is None:
            return self._starve(wanted_ts)
        if head.timestamp > self.line.position:
            adapt = self._adapt_gap if self._may_adapt(head, now_ns) else self._shorten_loss
            adapt(head, now_ns, wanted_ts)
        if head.timestamp > self.line.position:
            return self._fill_gap(head, wanted_ts)
        return self._play(head, now_ns)

    def _may_adapt(self, head: Held, now_ns: int) -> bool:
        is_pause = self.line.after_event or self._missing(head) == 0
        is_movable = not self.config.fixed and not head.packet.is_event
        return is_movable and (is_pause or self._is_too_long(head, now_ns))

    def _is_too_long(self, head: Held, now_ns: int) -> bool:
        gap = head.timestamp - self.line.position
        return gap > 0 and now_ns + self._ns(gap) - head.packet.arrival_ns > self.max_ns + JUMP_SLACK_NS

    def _is_jump(self, head: Held, now_ns: int) -> bool:
        gap = head.timestamp - self.line.position
        is_loss = not self.line.after_event and gap <= self._missing(head) * self.line.last_duration
        return gap < 0 or (self._is_too_long(head, now_ns) and not is_loss)

    def _drop_excess(self, wanted_ts: int) -> None:
        most = ts_from_ns(self.max_ns, self.config.clock_rate) + wanted_ts
        dropped = False
        while len(self.inside) > 1 and self._buffered() > most + self._audio(min(self.inside)):
            self._drop(min(self.inside))
            dropped = True
        if dropped:
            self._skip_to_head()

    def _audio(self, number: int) -> int:
        packet = self.inside[number].packet
        return 0 if packet.is_event else packet.duration_ts

    def _buffered(self) -> int:
        return sum(self._audio(number) for number in self.inside)

    def _find_head(self, now_ns: int) -> Held | None:
        line = self.line
        while True:
            self._pass_events()
            head = self._head()
            if head is None or (not line.started and now_ns < self.network.due(head)):
                return None
            if not line.started:
                self._end_guess(0)
                line.started, line.last_duration = True, head.packet.duration_ts
                line.position = line.played_end = head.timestamp
            if line.starved and not self._end_starvation(head, now_ns):
                return None
            if not self._is_jump(head, now_ns):
                return head
            self.counts["resets"] += 1
            line.position = line.played_end = head.timestamp
            line.started = now_ns >= self.network.due(head)

    def _ns(self, duration_ts: int) -> int:
        return ns_from_ts(duration_ts, self.config.clock_rate)

    def _pass_events(self) -> None:
        line = self.line
        while (head := self._head()) and head.packet.is_event:
            reached = head.timestamp <= line.position + line.starved
            if line.started and not line.after_event and self._missing(head) > 0 and not reached:
                return
            self._take_turn(head)
            self.counts["events"] += 1

    def _end_starvation(self, head: Held, now_ns: int) -> bool:
        line = self.line
        hole = max(head.timestamp - line.position, 0)
        absorbed = line.starved if self.config.fixed else min(hole, line.starved)
        stretched = line.starved - absorbed
        if stretched and now_ns < self.network.due(head):
            return False
        if self._ns(stretched) >= SECOND:
            self.counts["resets"] += 1
            stretched = 0
        self.counts["stretched_ts"] += stretched
        line.position += absorbed
        missing = 0 if line.after_event else self._missing(head)
        self._end_guess(line.guessed - stretched - min(absorbed, missing * line.last_duration))
        return True

    def _end_guess(self, pause: int) -> None:
        """The buffer runs dry no more; so much of what was concealed was no loss."""
        line = self.line
        pause = min(max(pause, 0), line.guessed)
        self.counts["conceal_ts"] += line.guessed - pause
        self.counts["silence_ts"] += pause
        line.guessed = line.starved = 0

    def _adapt_gap(self, head: Held, now_ns: int, wanted_ts: int) -> None:
        gap = head.timestamp - self.line.position
        excess = now_ns + self._ns(gap) - self.network.due(head)
        if excess > HYSTERESIS_NS + self._ns(wanted_ts):
            self.line.position += min(ts_from_ns(excess, self.config.clock_rate), gap)
        elif excess < -HYSTERESIS_NS:
            self.line.position += ts_from_ns(excess, self.config.clock_rate)

    def _shorten_loss(self, head: Held, now_ns: int, wanted_ts: int) -> None:
        gap = head.timestamp - self.line.position
        spare, excess = gap - self.line.last_duration, now_ns + self._ns(gap) - self.network.due(head)
        if self.config.fixed or head.packet.is_event or spare <= 0:
            return
        if excess > HYSTERESIS_NS + self._ns(wanted_ts):
            self.line.position += min(ts_from_ns(excess, self.config.clock_rate), spare)

    def _fill_gap(self, head: Held, wanted_ts: int) -> Piece:
        line = self.line
        duration = min(head.timestamp - line.position, wanted_ts)
        missing = 0 if line.after_event else self._missing(head)
        lost = line.played_end + missing * line.last_duration - line.position
        kind = "conceal" if missing and lost > 0 else "silence"
        if kind == "conceal":
            duration = min(duration, lost)
        line.position += duration
        return self._time(kind, duration)

    def _play(self, head: Held, now_ns: int) -> Piece:
        self._take_turn(head)
        line, packet = self.line, head.packet
        line.position = line.played_end = head.end
        line.last_duration = packet.duration_ts
        self.counts["played"] += 1
        self.delays.append(now_ns - packet.arrival_ns)
        return Piece("packet", packet.duration_ts, packet.sequence_number, self.delays[-1])

    def _starve(self, wanted_ts: int) -> Piece:
        line = self.line
        if not line.started:
            return self._time("waiting", wanted_ts)
        conceals = self._ns(line.starved) < CONCEAL_NS and not line.after_event
        line.starved += wanted_ts
        if not conceals:
            return self._time("silence", wanted_ts)
        line.guessed += wanted_ts
        return Piece("conceal", wanted_ts)

    def _time(self, kind: str, duration_ts: int) -> Piece:
        self.counts[f"{kind}_ts"] += duration_ts
        return Piece(kind, duration_ts)

    def _missing(self, head: Held) -> int:
        return 0 if self.line.next_sequence is None else head.sequence - self.line.next_sequence

    def _take_turn(self, head: Held) -> None:
        line = self.line
        hole = head.timestamp - line.played_end
        if line.started and not line.after_event and hole > 0 and line.last_duration:
            fitting = -(-hole // line.last_duration)
            self.counts["lost"] += min(self._missing(head), fitting)
        line.next_sequence = head.sequence + 1
        line.came.add(head.sequence)
        line.after_event = head.packet.is_event
        del self.inside[head.sequence]
