"""The C jitter buffer and its Python twin agree on every piece, for any arrivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from conftest import Core
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twins.jitter import MS, Config, Jitter, Packet, Piece

KINDS = {0: "packet", 1: "conceal", 2: "silence", 3: "waiting"}
RESULTS = {0: "accepted", 1: "duplicate", 2: "late", 3: "pending", 4: "restarted"}
COUNTS = ["received", "played", "events", "lost", "late", "duplicate", "reordered", "overflow", "discarded", "resets"]
TIMES = {"concealed_ts": "conceal_ts", "silence_ts": "silence_ts", "waiting_ts": "waiting_ts"}


@dataclass(frozen=True, slots=True)
class Get:
    """A tick: the buffer is asked until it has given `wanted_ts`."""

    now_ns: int
    wanted_ts: int = 160


class CJitter:
    """The C buffer with the twin's face."""

    def __init__(self, core: Core, config: Config) -> None:
        self.core = core
        values = core.new("sfm_jitter_config")
        core.lib.sfm_jitter_defaults(values, config.clock_rate)
        for name in ("initial_delay_ms", "min_delay_ms", "max_delay_ms", "packet_capacity"):
            setattr(values, name, getattr(config, name))
        values.fixed = config.fixed
        out = core.ffi.new("sfm_jitter **")
        assert core.lib.sfm_jitter_create(values, out) == 0
        self.jitter = core.owned(out[0], core.lib.sfm_jitter_destroy)
        self.piece = core.new("sfm_jitter_piece")

    def put(self, packet: Packet) -> str:
        payload = packet.sequence_number.to_bytes(2) + packet.timestamp.to_bytes(4)
        buffer = self.core.ffi.from_buffer("uint8_t[]", payload)
        c_packet = self.core.new(
            "sfm_jitter_packet",
            ssrc=packet.ssrc,
            timestamp=packet.timestamp,
            duration_ts=packet.duration_ts,
            sequence_number=packet.sequence_number,
            arrival_ns=packet.arrival_ns,
            payload=buffer,
            payload_length=len(payload),
        )
        put = self.core.lib.sfm_jitter_put_event if packet.is_event else self.core.lib.sfm_jitter_put
        return RESULTS[put(self.jitter, c_packet)]

    def get(self, now_ns: int, wanted_ts: int) -> Piece:
        piece = self.piece
        kind = KINDS[self.core.lib.sfm_jitter_get(self.jitter, now_ns, wanted_ts, piece)]
        if kind == "packet":
            payload = bytes(self.core.ffi.buffer(piece.payload, piece.payload_length))
            assert payload == piece.sequence_number.to_bytes(2) + piece.timestamp.to_bytes(4)
        return Piece(kind, piece.duration_ts, piece.sequence_number, piece.delay_ns)

    def counts(self) -> Any:
        counts = self.core.new("sfm_jitter_counts")
        self.core.lib.sfm_jitter_read_counts(self.jitter, counts)
        return counts


def compare_counts(c: Any, twin: Jitter) -> None:
    assert {name: getattr(c, name) for name in COUNTS} == {name: twin.counts[name] for name in COUNTS}
    assert {name: getattr(c, name) for name in TIMES} == {name: twin.counts[key] for name, key in TIMES.items()}
    assert c.stretched_ts == twin.counts["stretched_ts"]
    assert c.buffered == len(twin.inside) + (twin.candidate is not None)
    assert c.buffered_ts == twin._buffered()
    assert c.target_delay_ns == twin.network.target()
    assert c.current_delay_ns == (twin.delays[-1] if twin.delays else 0)
    total = sum(twin.delays)
    mean = (abs(total) // len(twin.delays)) * (1 if total >= 0 else -1) if twin.delays else 0
    assert c.mean_delay_ns == mean


def compare(core: Core, config: Config, steps: list[Packet | Get]) -> None:
    """Runs the steps through both; every answer has to be the same."""
    c, twin = CJitter(core, config), Jitter(config)
    for step in steps:
        if isinstance(step, Packet):
            assert c.put(step) == twin.put(step)
            continue
        done = 0
        while done < step.wanted_ts:
            piece = c.get(step.now_ns, step.wanted_ts - done)
            assert piece == twin.get(step.now_ns, step.wanted_ts - done)
            done += piece.duration_ts
    compare_counts(c.counts(), twin)


configs = st.builds(
    Config,
    clock_rate=st.sampled_from([8000, 48000, 11025]),
    initial_delay_ms=st.sampled_from([20, 40, 60, 200]),
    min_delay_ms=st.just(20),
    max_delay_ms=st.just(200),
    fixed=st.booleans(),
    packet_capacity=st.sampled_from([8, 64]),
)


@st.composite
def networks(draw: st.DrawFn) -> list[Packet | Get]:
    """A sender with pauses, events and restarts behind a network that loses, delays, repeats and reorders."""
    sequence = draw(st.sampled_from([0, 65530, 30000]))
    timestamp = draw(st.sampled_from([0, 2**32 - 800, 12345]))
    duration = draw(st.sampled_from([80, 160, 240, 480]))
    sent_ns, ssrc = 0, 1
    arriving: list[Packet] = []
    for _ in range(draw(st.integers(1, 60))):
        what = draw(st.sampled_from(["audio"] * 12 + ["lost"] * 2 + ["pause", "event", "jump", "still", "restart"]))
        if what == "pause":
            pause_ts = draw(st.integers(1, 8000))
            timestamp += pause_ts
            sent_ns += pause_ts * 125_000
        elif what == "jump":
            timestamp += draw(st.sampled_from([-100_000, 100_000, 2**31, -160, 2**31 - 1]))
        elif what == "still":
            sent_ns += draw(st.integers(0, 3000)) * MS
        elif what == "restart":
            ssrc += draw(st.booleans())
            sequence += draw(st.sampled_from([5000, 40_000, 1, 60]))
        else:
            delays = draw(st.lists(st.sampled_from([1, 1, 1, 2, 25, 60, 150, 400]), min_size=1, max_size=2))
            packet = Packet(sequence % 65536, timestamp % 2**32, sent_ns, duration, ssrc, what == "event")
            if what != "lost":
                arriving += [replace(packet, arrival_ns=sent_ns + delay * MS) for delay in delays]
            sequence += 1
            timestamp += 0 if what == "event" else duration
            sent_ns += duration * 125_000
    tick_ms = draw(st.sampled_from([10, 20, 30]))
    ticks = [Get(n * tick_ms * MS, tick_ms * 8) for n in range((sent_ns // MS + 600) // tick_ms)]
    steps: list[Packet | Get] = [*arriving, *ticks]
    return sorted(steps, key=lambda step: step.arrival_ns if isinstance(step, Packet) else step.now_ns)


@st.composite
def chaos(draw: st.DrawFn) -> list[Packet | Get]:
    """Anything at all, with the clock going forward."""
    now_ns = 0
    steps: list[Packet | Get] = []
    for _ in range(draw(st.integers(1, 80))):
        now_ns += draw(st.sampled_from([0, 1, 5, 20, 20, 50, 300, 2000])) * MS
        if draw(st.booleans()):
            steps.append(Get(now_ns, draw(st.sampled_from([1, 80, 160, 960]))))
            continue
        base = draw(st.sampled_from([0, 0, 0, 20_000]))
        steps.append(
            Packet(
                (base + draw(st.integers(-5, 90))) % 65536,
                draw(st.integers(-20, 200)) * 80 % 2**32,
                now_ns,
                draw(st.sampled_from([1, 80, 160, 1600])),
                draw(st.sampled_from([1, 1, 1, 2])),
                draw(st.sampled_from([False, False, True])),
            )
        )
    return steps


relaxed = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@relaxed
@given(config=configs, steps=networks())
def test_the_twin_agrees_behind_any_network(core: Core, config: Config, steps: list[Packet | Get]) -> None:
    compare(core, replace(config, clock_rate=8000), steps)


@relaxed
@given(config=configs, steps=chaos())
def test_the_twin_agrees_on_any_packets(core: Core, config: Config, steps: list[Packet | Get]) -> None:
    compare(core, config, steps)


@pytest.mark.parametrize("fixed", [False, True])
def test_the_twin_agrees_on_half_a_minute_of_changing_delay(core: Core, fixed: bool) -> None:
    """Long enough for the windows of the delay measurement to turn."""
    arrivals = [
        Packet(n % 65536, n * 160 % 2**32, (n * 20 + (n * 7919) % (5 + n // 40)) * MS) for n in range(1500) if n % 23
    ]
    ticks = [Get(n * 20 * MS) for n in range(1510)]
    steps: list[Packet | Get] = sorted(
        [*arrivals, *ticks], key=lambda step: step.arrival_ns if isinstance(step, Packet) else step.now_ns
    )
    compare(core, Config(fixed=fixed), steps)
