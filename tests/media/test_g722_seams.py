"""G.722 codes differences: where one prompt follows another at once, or goes round, nothing cracks."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from sipflow.media_params import RtpFormat
from sipflow.native import check, ffi, lib
from tests.media.signals import Samples, speech, write_wav
from tests.media.stepped import PTIME_NS, STORE, SteppedLeg

G722 = RtpFormat("G722", 9)
CODEC = lib.sfm_codec_find(b"G722")
RATE = 16000
DELAY = 22
"""Samples that both filters take."""


def tone(seconds: float, frequency: float = 1000, amplitude: int = 20000) -> Samples:
    phase = 2 * np.pi * frequency * np.arange(int(RATE * seconds)) / RATE
    samples: Samples = np.rint(amplitude * np.sin(phase)).astype(np.int16)
    return samples


def decode(payload: bytes) -> Samples:
    """By a decoder that begins with the first of it."""
    state, pcm = ffi.new("sfm_g722 *"), np.zeros(2 * len(payload), np.int16)
    check(lib.sfm_codec_decoder_init(CODEC, state))
    check(lib.sfm_codec_decode(CODEC, state, payload, len(payload), ffi.from_buffer("int16_t[]", pcm), len(pcm)))
    return pcm


class Sending:
    """A leg that sends G.722; what it sends, decoded."""

    def __init__(self, folder: Path) -> None:
        self.leg, self.folder, self.now_ns, self.payload = SteppedLeg(), folder, 1_000_000_000, bytearray()
        self.leg.start(G722)
        self.run(25)

    def run(self, ticks: int) -> None:
        for _ in range(ticks):
            self.leg.send_tick(self.now_ns)
            for packet in self.leg.packets(self.now_ns):
                assert struct.unpack("!B", packet[1:2])[0] & 0x7F == 9
                self.payload += packet[12:]
            self.now_ns += PTIME_NS

    def play(self, samples: Samples, *, times: int = 1) -> int:
        """Plays it; the sample at which it begins in what is heard."""
        begin = 2 * len(self.payload) + DELAY
        path = write_wav(self.folder / f"{begin}.wav", samples, RATE)
        self.leg.play(STORE.load(path, G722), job=begin, times=times)
        self.run(times * len(samples) // 320)
        return begin

    def error_db(self, wanted: Samples, begin: int, seconds: float = 0.1) -> float:
        """How far the difference from what was to be heard is below it, at its beginning."""
        count = int(RATE * seconds)
        heard, part = decode(bytes(self.payload))[begin : begin + count].astype(float), wanted[:count].astype(float)
        return float(10 * np.log10(np.mean(part**2) / np.mean((heard - part) ** 2)))


LOUD, VOICE, OTHER = tone(1), speech(1, rate=RATE), speech(2, seed=2, rate=RATE)


def tenths(sending: Sending, wanted: Samples, begin: int) -> list[float]:
    """The error of each tenth of a second."""
    starts = range(0, len(wanted) - RATE // 5, RATE // 10)
    return [round(sending.error_db(wanted[at:], begin + at), 1) for at in starts]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(VOICE, OTHER, id="speech-speech"),
        pytest.param(LOUD, OTHER, id="tone-speech"),
        pytest.param(VOICE, tone(2, 440), id="speech-tone"),
    ],
)
def test_a_prompt_behind_another_is_heard_as_it_is_behind_silence(
    tmp_path: Path, first: Samples, second: Samples
) -> None:
    alone, behind = Sending(tmp_path), Sending(tmp_path)
    wanted = tenths(alone, second, alone.play(second))
    behind.play(first)
    found = tenths(behind, second, behind.play(second))
    print(f"alone {wanted}\nbehind another {found}")
    assert found[0] > wanted[0] - 1
    assert min(found) > 18, "without mending it is -5 dB, and takes 300 ms"


def test_a_prompt_that_goes_round_has_no_crack_where_it_begins_again(tmp_path: Path) -> None:
    samples = OTHER[:20_200]  # no whole number of packets; from loud to loud
    sending = Sending(tmp_path)
    begin = sending.play(samples, times=3)
    sending.run(2)
    for turn in (1, 2):
        found = tenths(sending, samples, begin + turn * len(samples))
        print(f"turn {turn}: {found}")
        assert min(found) > 18


def test_a_prompt_that_goes_on_behind_a_mute_does_not_crack(tmp_path: Path) -> None:
    sending = Sending(tmp_path)
    begin = 2 * len(sending.payload) + DELAY
    sending.leg.play(STORE.load(write_wav(tmp_path / "other.wav", OTHER, RATE), G722))
    for muted in (False, True, False):
        lib.sfm_leg_mute(sending.leg.native, muted)
        sending.run(30)
    at = 60 * 320
    found = tenths(sending, OTHER[at : at + 8000], begin + at)
    print(f"behind the mute: {found}")
    assert min(found) > 15
