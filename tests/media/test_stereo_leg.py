"""Two channels from one leg to the other, in simulated time: what is recorded, and what each makes of the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sipflow.events import Payload, RecordingFinished
from sipflow.media import EngineConfig, Leg, MediaEngine, PromptStore, Simulation
from sipflow.media.opus import has_opus
from sipflow.media_params import RtpFormat
from tests.media.engine import LOOPBACK, PCMU, params
from tests.media.signals import Samples
from tests.media.test_opus_stereo import LEFT_HZ, RATE, RIGHT_HZ, apart_db, frames_of, tone

pytestmark = pytest.mark.skipif(not has_opus(), reason="libopus is not installed")

SECOND = 1_000_000_000
MONO = RtpFormat("opus", 111, RATE, 2, "useinbandfec=1")
STEREO = RtpFormat("opus", 111, RATE, 2, "stereo=1;sprop-stereo=1")
SECONDS = 4


class Pair:
    """Alice sends, bob records; each says what he wants to be sent by the format of his own side."""

    def __init__(self, folder: Path, alice: RtpFormat, bob: RtpFormat, **conditions: Any) -> None:
        self.folder = folder
        self.engine = MediaEngine(EngineConfig(seed=5, simulation=Simulation(seed=5, **conditions)))
        self.alice: Leg = self.engine.open_leg("alice", LOOPBACK, expected=alice)
        self.bob: Leg = self.engine.open_leg("bob", LOOPBACK, expected=bob)
        self.agree(alice, bob)
        self.events: list[Payload] = []

    def agree(self, alice: RtpFormat, bob: RtpFormat) -> None:
        """Offer and answer: each sends what the other side's fmtp asks for."""
        self.sent = bob
        self.alice.start(replace(params(self.alice, self.bob, bob), receive_formats=(alice,)))
        self.bob.start(replace(params(self.bob, self.alice, alice), receive_formats=(bob,)))

    def play(self, frames: Samples) -> None:
        soundfile.write(self.folder / "prompt.wav", frames, RATE)
        self.alice.play(PromptStore().load(self.folder / "prompt.wav", self.sent), 1)

    def run(self, until_ns: int) -> None:
        now_ns = -1
        while now_ns < until_ns:
            now_ns = self.engine.advance(until_ns)
            self.events += self.engine.drain()

    def recorded(self, **options: Any) -> Samples:
        """What bob records of four seconds of the tones."""
        self.bob.record(self.folder / "bob.wav", 2, duration_ms=1000 * SECONDS, **options)
        self.play(frames_of(tone(LEFT_HZ, SECONDS), tone(RIGHT_HZ, SECONDS)))
        self.run((SECONDS + 1) * SECOND)
        return self.read("bob.wav")

    def read(self, name: str) -> Samples:
        assert any(isinstance(event, RecordingFinished) for event in self.events)
        frames: Samples = soundfile.read(self.folder / name, dtype="int16", always_2d=True)[0]
        return frames


def assert_apart(frames: Samples, left: int = 0, least_db: float = 60, rate: int = RATE) -> None:
    """Left is in one channel, right in the next one."""
    apart = (
        apart_db(frames[:, left], LEFT_HZ, RIGHT_HZ, rate),
        apart_db(frames[:, left + 1], RIGHT_HZ, LEFT_HZ, rate),
    )
    print(f"left {apart[0]:.1f} dB, right {apart[1]:.1f} dB apart")
    assert min(apart) > least_db


@pytest.mark.parametrize(
    ("channels", "width", "left"), [("received", 2, 0), ("stereo", 4, 2), ("sent", 2, None), ("mono", 1, None)]
)
def test_a_recording_has_both_channels_of_what_was_heard(
    tmp_path: Path, channels: str, width: int, left: int | None
) -> None:
    frames = Pair(tmp_path, STEREO, STEREO).recorded(channels=channels, side_channels=2)
    assert frames.shape == (RATE * SECONDS, width)
    if left is not None:
        assert_apart(frames, left)
    elif channels == "mono":
        assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3
    if channels in ("stereo", "sent"):
        assert not frames[:, :2].any(), "bob says nothing"


def test_what_was_sent_is_recorded_in_both_channels(tmp_path: Path) -> None:
    pair = Pair(tmp_path, STEREO, STEREO)
    pair.alice.record(tmp_path / "alice.wav", 3, duration_ms=1000 * SECONDS, side_channels=2)
    pair.recorded(side_channels=2)
    frames = pair.read("alice.wav")
    assert_apart(frames, left=0)
    assert not frames[:, 2:].any()


def test_a_recording_of_one_channel_has_the_mix(tmp_path: Path) -> None:
    frames = Pair(tmp_path, STEREO, STEREO).recorded(channels="received")
    assert frames.shape[1] == 1
    assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3
    level = 20 * np.log10(np.std(frames[RATE : 2 * RATE].astype(float)) / (8192 / 2))
    assert level == pytest.approx(0, abs=0.5), "two tones of half the amplitude"


def test_a_peer_that_sends_one_channel_is_heard_on_both(tmp_path: Path) -> None:
    """Bob asks for two channels, alice's prompt is mixed to one: what she sends is what a peer without stereo sends."""
    pair = Pair(tmp_path, MONO, STEREO)
    pair.sent = MONO
    pair.alice.start(replace(params(pair.alice, pair.bob, MONO), receive_formats=(MONO,)))
    frames = pair.recorded(channels="received", side_channels=2)
    assert np.array_equal(frames[:, 0], frames[:, 1])
    assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3


def test_who_asks_for_one_channel_hears_one(tmp_path: Path) -> None:
    frames = Pair(tmp_path, STEREO, MONO).recorded(channels="received", side_channels=2)
    assert np.array_equal(frames[:, 0], frames[:, 1])
    assert abs(apart_db(frames[:, 0], LEFT_HZ, RIGHT_HZ)) < 3


def test_an_offer_in_mid_call_makes_two_channels_of_one_and_one_of_two(tmp_path: Path) -> None:
    pair = Pair(tmp_path, MONO, MONO)
    pair.bob.record(tmp_path / "bob.wav", 2, channels="received", side_channels=2, duration_ms=9000)
    for second, fmt in enumerate((MONO, STEREO, MONO)):
        if second:
            pair.agree(fmt, fmt)
        pair.play(frames_of(tone(LEFT_HZ, SECONDS), tone(RIGHT_HZ, SECONDS)))
        pair.run((second + 1) * 3 * SECOND)
    pair.run(10 * SECOND)
    frames = pair.read("bob.wav")
    first, second, third = (frames[n * 3 * RATE : (n + 1) * 3 * RATE] for n in range(3))
    assert np.array_equal(first[:, 0], first[:, 1])
    assert_apart(second)
    assert np.array_equal(third[RATE:, 0], third[RATE:, 1])
    assert abs(apart_db(third[:, 0], LEFT_HZ, RIGHT_HZ)) < 3


def test_losses_leave_the_channels_apart(tmp_path: Path) -> None:
    pair = Pair(tmp_path, STEREO, STEREO, loss=0.05)
    frames = pair.recorded(channels="received", side_channels=2)
    assert pair.bob.statistics().packets_lost > 2
    assert_apart(frames, least_db=25)


def test_a_codec_of_another_rate_beside_it_is_recorded_at_the_rate_of_what_is_sent(tmp_path: Path) -> None:
    """Bob sends G.711 and hears stereo: what he hears is 8 kHz, and still two channels."""
    pair = Pair(tmp_path, STEREO, STEREO)
    pair.bob.start(replace(params(pair.bob, pair.alice, PCMU), receive_formats=(STEREO,)))
    frames = pair.recorded(channels="received", side_channels=2)
    assert frames.shape == (8000 * SECONDS, 2)
    assert_apart(frames, rate=8000)
