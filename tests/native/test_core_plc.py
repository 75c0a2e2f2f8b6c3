"""Concealment: seamless for what repeats, silent after 60 ms, without a trace where nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from conftest import Core

RATES = [8000, 16000, 48000]


class Plc:
    """The C unit over numpy arrays."""

    def __init__(self, core: Core, sample_rate: int = 8000) -> None:
        self.core, self.sample_rate = core, sample_rate
        out = core.ffi.new("sfm_plc **")
        assert core.lib.sfm_plc_create(sample_rate, out) == 0
        self.plc = core.owned(out[0], core.lib.sfm_plc_destroy)

    def receive(self, pcm: np.ndarray) -> np.ndarray:
        copy = pcm.copy()
        self.core.lib.sfm_plc_receive(self.plc, self._buffer(copy), len(copy))
        return copy

    def conceal(self, ms: float) -> np.ndarray:
        pcm = np.full(round(ms * self.sample_rate / 1000), 12345, np.int16)
        self.core.lib.sfm_plc_conceal(self.plc, self._buffer(pcm), len(pcm))
        return pcm

    def silence(self, count: int) -> np.ndarray:
        pcm = np.full(count, 12345, np.int16)
        self.core.lib.sfm_plc_silence(self.plc, self._buffer(pcm), count)
        return pcm

    def _buffer(self, pcm: np.ndarray) -> Any:
        return self.core.ffi.from_buffer("int16_t[]", pcm)


def voiced(pitch_hz: float, sample_rate: int, ms: float = 200) -> np.ndarray:
    """A vowel: a fundamental with harmonics."""
    t = np.arange(round(ms * sample_rate / 1000)) / sample_rate
    wave = sum(np.sin(2 * np.pi * pitch_hz * k * t + k * k) / k for k in range(1, 8))
    return np.round(6000 * wave).astype(np.int16)


def rms(pcm: np.ndarray) -> float:
    return float(np.sqrt(np.mean(pcm.astype(float) ** 2)))


def test_audio_without_loss_passes_untouched(core: Core) -> None:
    plc = Plc(core)
    audio = np.random.default_rng(1).integers(-32768, 32768, 8000).astype(np.int16)
    passed = np.concatenate([plc.receive(block) for block in np.split(audio, 50)])
    np.testing.assert_array_equal(passed, audio)


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("pitch_hz", [80, 100, 125, 200])
def test_the_first_10_ms_of_a_vowel_go_on_as_if_nothing_were_missing(
    core: Core, sample_rate: int, pitch_hz: int
) -> None:
    plc, whole = Plc(core, sample_rate), voiced(pitch_hz, sample_rate)
    at = sample_rate // 10
    plc.receive(whole[:at])
    made = plc.conceal(10)
    wanted = whole[at : at + len(made)]
    assert rms(made.astype(int) - wanted) < 0.05 * rms(wanted)


def test_a_vowel_whose_pitch_is_no_whole_number_of_samples_is_close(core: Core) -> None:
    plc, whole = Plc(core), voiced(93, 8000)
    plc.receive(whole[:800])
    made = plc.conceal(10)
    assert rms(made.astype(int) - whole[800:880]) < 0.25 * rms(whole[800:880])


@pytest.mark.parametrize("pitch_hz", [80, 93, 131, 190])
def test_there_is_no_click_at_either_end(core: Core, pitch_hz: int) -> None:
    """No step is larger than the largest one of the vowel itself, by more than a fifth."""
    plc, whole = Plc(core), voiced(pitch_hz, 8000, 300)
    made = np.concatenate([plc.receive(whole[:800]), plc.conceal(20), plc.receive(whole[960:1120])])
    largest = np.abs(np.diff(whole.astype(int))).max()
    assert np.abs(np.diff(made.astype(int))).max() <= 1.2 * largest


@pytest.mark.parametrize("end", range(400, 480, 10))
def test_seams_are_smooth_when_the_level_changes_from_period_to_period(core: Core, end: int) -> None:
    """A swelling tone: its periods differ, so that each repetition begins lower than the one before it ends."""
    t = np.arange(end) / 8000
    swelling = np.round(16000 * (t / 0.06) * np.sin(2 * np.pi * 100 * t)).astype(np.int16)
    plc = Plc(core)
    made = np.concatenate([plc.receive(swelling), plc.conceal(30)]).astype(int)
    steepest = np.abs(np.diff(swelling.astype(int))).max()
    assert np.abs(np.diff(made)).max() <= 1.6 * steepest


@pytest.mark.parametrize("sample_rate", RATES)
def test_concealment_fades_to_silence_in_60_ms(core: Core, sample_rate: int) -> None:
    plc, whole = Plc(core, sample_rate), voiced(100, sample_rate)
    plc.receive(whole)
    made = plc.conceal(100)
    ms = sample_rate // 1000
    levels = [rms(made[n * 10 * ms : (n + 1) * 10 * ms]) for n in range(7)]
    assert levels[0] > 0.9 * rms(whole)
    assert all(later < earlier for earlier, later in pairwise(levels))
    assert not made[60 * ms :].any()


def test_concealment_in_pieces_is_the_same_as_in_one(core: Core) -> None:
    whole = voiced(110, 8000)
    one, many = Plc(core), Plc(core)
    one.receive(whole)
    many.receive(whole)
    pieces = np.concatenate([many.conceal(ms) for ms in (1, 7, 20, 2, 30, 40)])
    np.testing.assert_array_equal(pieces, one.conceal(100))


@pytest.mark.parametrize("sample_rate", RATES)
def test_only_4_ms_after_a_loss_are_touched(core: Core, sample_rate: int) -> None:
    plc, whole = Plc(core, sample_rate), voiced(100, sample_rate)
    plc.receive(whole)
    plc.conceal(20)
    noise = np.random.default_rng(2).integers(-9000, 9000, sample_rate // 50).astype(np.int16)
    passed, fade = plc.receive(noise), sample_rate // 250
    np.testing.assert_array_equal(passed[fade:], noise[fade:])
    assert not np.array_equal(passed[:fade], noise[:fade])
    np.testing.assert_array_equal(plc.receive(noise), noise)


def test_silence_stays_silence(core: Core) -> None:
    plc = Plc(core)
    plc.receive(np.zeros(800, np.int16))
    assert not plc.conceal(60).any()


def test_the_loudest_signal_does_not_overflow(core: Core) -> None:
    """A full-scale square wave whose seam correction would exceed the range is cut off, not wrapped."""
    plc = Plc(core)
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 37), 20)
    plc.receive(square[:-5])
    made = plc.conceal(10).astype(int)
    assert np.abs(np.diff(made)).max() <= 65535
    assert (np.sign(made[:30]) == np.sign(made[0])).sum() >= 5


def test_meant_silence_ends_a_concealment_softly(core: Core) -> None:
    plc = Plc(core)
    plc.receive(voiced(100, 8000))
    plc.conceal(10)
    after = plc.silence(160)
    assert after[:16].any()
    assert not after[32:].any()
    assert not plc.silence(160).any()


def test_a_reset_forgets_what_was_heard(core: Core) -> None:
    plc = Plc(core)
    plc.receive(voiced(100, 8000))
    core.lib.sfm_plc_reset(plc.plc)
    assert not plc.conceal(20).any()


@pytest.mark.parametrize("sample_rate", [0, 4000, 11025, 96000])
def test_other_sample_rates_are_refused(core: Core, sample_rate: int) -> None:
    assert core.lib.sfm_plc_create(sample_rate, core.ffi.new("sfm_plc **")) == core.lib.SFM_ERROR_ARGUMENT
