"""The resampler: its filter measured tone by tone, its blocks against one convolution of the whole."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from conftest import Core

RATES = [(8000, 16000), (8000, 48000), (16000, 48000), (16000, 8000), (48000, 8000), (48000, 16000)]


class Resampler:
    """The C one."""

    def __init__(self, core: Core, from_rate: int, to_rate: int) -> None:
        self.core, self.state = core, core.new("sfm_resampler")
        assert core.lib.sfm_resampler_init(self.state, from_rate, to_rate) == 0

    def __call__(self, samples: Any) -> Any:
        pcm = np.ascontiguousarray(samples, np.int16)
        out = np.zeros(self.core.lib.sfm_resampler_output(self.state, len(pcm)), np.int16)
        ffi = self.core.ffi
        count = self.core.lib.sfm_resample(
            self.state, ffi.from_buffer("int16_t[]", pcm), len(pcm), ffi.from_buffer("int16_t[]", out)
        )
        assert count == len(out)
        return out


def level_db(core: Core, frequency: float, from_rate: int, to_rate: int) -> float:
    """Level of what comes out for a tone of 20000, in dB of it, once the filter is full."""
    time = np.arange(from_rate // 2) / from_rate
    out = Resampler(core, from_rate, to_rate)(np.rint(20000 * np.sin(2 * np.pi * frequency * time)))
    settled = out[len(out) // 4 :].astype(float)
    return 20 * np.log10(max(np.sqrt(2 * np.mean(settled**2)) / 20000, 1e-9))


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_what_both_rates_hold_passes(core: Core, from_rate: int, to_rate: int) -> None:
    lower = min(from_rate, to_rate)
    for share in (0.02, 0.1, 0.25, 0.35, 0.4):
        assert level_db(core, share * lower, from_rate, to_rate) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("from_rate", "to_rate"), [pair for pair in RATES if pair[0] > pair[1]])
def test_what_the_lower_rate_does_not_hold_is_gone(core: Core, from_rate: int, to_rate: int) -> None:
    for frequency in np.linspace(to_rate / 2, from_rate / 2 - 50, 12):
        assert level_db(core, frequency, from_rate, to_rate) < -70


@pytest.mark.parametrize(("from_rate", "to_rate"), [pair for pair in RATES if pair[0] < pair[1]])
def test_no_image_of_what_the_lower_rate_holds(core: Core, from_rate: int, to_rate: int) -> None:
    time = np.arange(from_rate) / from_rate
    tone = 0.4 * from_rate
    out = Resampler(core, from_rate, to_rate)(np.rint(20000 * np.sin(2 * np.pi * tone * time)))[-to_rate // 2 :]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)))) / len(out) * 4
    frequencies = np.fft.rfftfreq(len(out), 1 / to_rate)
    assert spectrum[frequencies >= from_rate / 2].max() < 20000 * 10 ** (-70 / 20)


@pytest.mark.parametrize(("from_rate", "to_rate"), RATES)
def test_blocks_of_any_size_are_one_convolution(core: Core, from_rate: int, to_rate: int) -> None:
    random = np.random.default_rng(1)
    samples = random.integers(-20000, 20000, 1200).astype(np.int16)
    unit = Resampler(core, from_rate, to_rate)
    cuts = [0, 1, 6, 54, 56, 600, 1199, 1200]
    out = np.concatenate([unit(samples[a:b]) for a, b in itertools.pairwise(cuts)])
    up, down = max(1, to_rate // from_rate), max(1, from_rate // to_rate)
    taps = np.array(list(unit.state.taps))[: 48 * max(up, down)]
    wide = np.zeros(len(samples) * up)
    wide[::up] = samples
    expected = np.convolve(wide, taps)[: len(wide)][down - 1 :: down]
    np.testing.assert_allclose(out, expected.clip(-32768, 32767), atol=0.6)


def test_other_factors_are_refused(core: Core) -> None:
    state = core.new("sfm_resampler")
    for pair in [(0, 8000), (8000, 0), (8000, 44100), (48000, 32000), (8000, 56000)]:
        assert core.lib.sfm_resampler_init(state, *pair) == core.lib.SFM_ERROR_ARGUMENT
