"""The engine in simulated time: no thread, no socket; what is lost, late and overtaken is known exactly."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sipflow.errors import SipflowError
from sipflow.events import DtmfReceived, DtmfSent, MediaFirstPacket, Payload, RecordingFinished
from sipflow.media import EngineConfig, Leg, MediaEngine, PromptStore, Simulation
from tests.media.engine import LOOPBACK, PCMU, params
from tests.media.signals import speech, write_wav

SECOND = 1_000_000_000


def dice_ms(seed: int) -> int:
    """A delay, now and then none."""
    return (0, 30, 120)[seed % 3]


class Simulated:
    """Two legs that talk to each other."""

    def __init__(self, **conditions: Any) -> None:
        self.engine = MediaEngine(EngineConfig(seed=5, simulation=Simulation(seed=5, **conditions)))
        self.left: Leg = self.engine.open_leg("left", LOOPBACK)
        self.right: Leg = self.engine.open_leg("right", LOOPBACK)
        self.left.start(params(self.left, self.right))
        self.right.start(params(self.right, self.left))
        self.events: list[tuple[int, Payload]] = []

    def run(self, until_ns: int) -> None:
        """Let the time pass, and note when what happened."""
        now_ns = -1
        while now_ns < until_ns:
            now_ns = self.engine.advance(until_ns)
            self.events += [(now_ns, event) for event in self.engine.drain()]

    def times_of(self, kind: type[Payload]) -> list[int]:
        """When events of a kind happened, in ns."""
        return [when for when, event in self.events if isinstance(event, kind)]


def test_a_network_without_faults_loses_nothing_and_is_never_late() -> None:
    pair = Simulated()
    pair.run(60 * SECOND)
    counted = pair.right.statistics()
    assert pair.left.statistics().packets_sent in (2999, 3000, 3001)
    assert counted.packets_received == pytest.approx(3000, abs=2)
    assert (counted.packets_lost, counted.packets_late, counted.jitter_max_ms, counted.concealed_ms) == (0, 0, 0, 0)
    assert pair.left.statistics().lateness_max_ms == 0
    assert pair.left.statistics().path_delay_max_ms == 0


def test_what_was_lost_is_what_is_measured_as_lost() -> None:
    pair = Simulated(loss=0.03, delay_ms=40, reorder=0.02, duplicate=0.01)
    pair.run(120 * SECOND)
    truth, measured = pair.left.statistics(), pair.right.statistics()
    assert truth.path_lost is not None and 120 < truth.path_lost < 240
    assert measured.packets_lost == pytest.approx(truth.path_lost, abs=1)  # the last one may still be missed by nobody
    assert measured.packets_duplicate == pytest.approx(truth.path_duplicated, abs=1)
    assert measured.packets_reordered is not None and truth.path_reordered is not None
    assert 0.9 * truth.path_reordered < measured.packets_reordered <= truth.path_reordered


@pytest.mark.parametrize("seed", range(6))
def test_what_a_stall_of_this_machine_delays_is_no_loss(seed: int) -> None:
    """Its sender reports lie unread longer than usual, so that more packets are read before them than were sent."""
    dice, pair, now_ns = random.Random(seed), Simulated(delay_ms=dice_ms(seed)), 0
    while now_ns < 20 * SECOND:
        pair.run(now_ns + dice.randrange(SECOND))
        now_ns = pair.engine.advance(0) + dice.randrange(SECOND)
        pair.engine.stall(now_ns)
    pair.left.close()
    pair.run(now_ns + SECOND // 2)
    counted = pair.right.statistics()
    assert counted.packets_missed == 0 and counted.lateness_max_ms is not None and counted.lateness_max_ms > 500
    assert counted.remote_said_bye and counted.packets_received > 900
    assert (counted.packets_lost, counted.max_loss_burst, counted.one_way) == (0, 0, False)


def test_the_round_trip_is_twice_the_delay() -> None:
    pair = Simulated(delay_ms=75)
    pair.run(30 * SECOND)
    assert pair.left.statistics().round_trip_ms == pytest.approx(150, abs=0.1)


def test_time_stands_at_every_event_and_nowhere_else() -> None:
    pair = Simulated(delay_ms=10)
    pair.left.send_dtmf("12", 1)
    pair.run(2 * SECOND)
    assert len(pair.times_of(MediaFirstPacket)) == 2
    assert len(pair.times_of(DtmfReceived)) == 2
    (sent,) = pair.times_of(DtmfSent)
    assert 0.4 * SECOND <= sent < 0.5 * SECOND
    assert pair.engine.advance(3 * SECOND) == 3 * SECOND


def test_a_recording_is_complete_to_the_sample(tmp_path: Path) -> None:
    pair = Simulated()
    pair.right.record(tmp_path / "long.wav", 3, duration_ms=90_000)
    pair.run(100 * SECOND)
    assert len(pair.times_of(RecordingFinished)) == 1
    assert soundfile.info(tmp_path / "long.wav").frames == 720_000


def test_the_same_seed_is_the_same_minute() -> None:
    def minute() -> tuple[object, ...]:
        pair = Simulated(loss=0.1, jitter_ms=30)
        pair.run(60 * SECOND)
        return pair.left.statistics(), pair.right.statistics(), tuple(pair.events)

    assert minute() == minute()


def test_ports_come_back_and_a_closed_engine_keeps_its_numbers() -> None:
    pair = Simulated()
    pair.run(SECOND)
    assert pair.engine.open_sockets == 4
    pair.left.close()
    pair.right.close()
    pair.engine.drain()
    assert (pair.engine.open_legs, pair.engine.open_sockets) == (0, 0)
    pair.engine.close()
    assert pair.engine.advance(5 * SECOND) == 5 * SECOND
    assert pair.left.statistics().packets_sent > 40


def test_impossible_conditions_are_refused() -> None:
    with pytest.raises(SipflowError):
        MediaEngine(EngineConfig(simulation=Simulation(loss=1.5)))
    with pytest.raises(SipflowError):
        MediaEngine(EngineConfig(threads=2, simulation=Simulation()))


@pytest.mark.parametrize(("kept", "read"), [(4000, 4000), (4001, 4001), (100_000, 24_000)])
def test_the_newest_audio_is_kept_and_the_oldest_overwritten(tmp_path: Path, kept: int, read: int) -> None:
    """Beside a recording of the same leg: what is kept is the end of that, frame by frame, around the ring, too."""
    file = tmp_path / "whole.wav"
    with MediaEngine(EngineConfig(seed=5, simulation=Simulation(seed=5))) as engine:
        left, right = (engine.open_leg(name, LOOPBACK, kept_frames=kept) for name in ("left", "right"))
        right.record(file, 1)
        left.start(params(left, right))
        right.start(params(right, left))
        spoken = PromptStore().load(write_wav(tmp_path / "said.wav", speech(2.9)), PCMU)
        left.play(spoken, 1)
        while engine.advance(3 * SECOND) < 3 * SECOND:
            engine.drain()
        live = right.kept()
        right.close()
        engine.drain()
        assert right.kept() is None, "the memory of a leg that is gone is gone"
    assert live is not None and live.sample_rate == 8000
    whole, _ = soundfile.read(file, dtype="int16", always_2d=True)
    frames = np.frombuffer(live.frames, np.int16).reshape(-1, 2)
    assert len(frames) == pytest.approx(read, abs=320)
    assert len(frames) <= kept
    assert (frames == whole[len(whole) - len(frames) :]).all()
    assert frames[:, 1].any()


def test_a_leg_that_keeps_nothing_has_nothing() -> None:
    pair = Simulated()
    pair.run(SECOND)
    assert pair.right.kept() is None
