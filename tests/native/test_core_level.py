"""Levels in dBov, runs of silence, clipping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from conftest import Core


def pcm(core: Core, samples: np.ndarray | list[int]) -> tuple[object, int]:
    array = np.asarray(samples, np.int16)
    return core.ffi.from_buffer("int16_t[]", array) if len(array) else core.ffi.NULL, len(array)


def tone(amplitude: float, count: int = 8000) -> np.ndarray:
    return np.round(amplitude * np.sin(2 * np.pi * 440 * np.arange(count) / 8000)).astype(np.int16)


@pytest.mark.parametrize(
    ("samples", "dbov"),
    [
        ([32767, -32768] * 80, 0),  # a full-scale square wave is the overload point
        (tone(32767), 3),  # a full-scale sine lies 3 dB below it
        (tone(3276.7), 23),
        ([1] * 160, 90),
        ([0] * 159 + [1], 112),
        ([0] * 160, 127),
        ([], 127),
    ],
)
def test_levels_of_known_signals(core: Core, samples: list[int], dbov: int) -> None:
    assert core.lib.sfm_block_dbov(*pcm(core, samples)) == dbov


@pytest.mark.parametrize("amplitude", [10, 100, 150, 1234, 3000, 20000])
def test_the_level_is_that_of_the_formula(core: Core, amplitude: int) -> None:
    samples = tone(amplitude)
    rms = math.sqrt(float(np.mean(samples.astype(float) ** 2)))
    assert core.lib.sfm_block_dbov(*pcm(core, samples)) == round(-20 * math.log10(rms / 32768))


def test_blocks_add_up(core: Core) -> None:
    level = core.new("sfm_level")
    for block in ([100, -200], [32124, -32124], [32767, -32768, 32123]):
        core.lib.sfm_level_add(level, *pcm(core, block))
    assert (level.samples, level.peak, level.clipped) == (7, 32768, 4)
    squares = sum(n * n for n in (100, 200, 32124, 32124, 32767, 32768, 32123))
    assert level.sum_of_squares == squares


@pytest.mark.parametrize("peak", [3663, 3664, 11585, 32767])
def test_sums_are_exact_where_32_bits_are_enough_and_where_they_are_not(core: Core, peak: int) -> None:
    """160 squares of 3663 are the last to fit."""
    level = core.new("sfm_level")
    core.lib.sfm_level_add(level, *pcm(core, [peak, -peak] * 80))
    assert level.sum_of_squares == 160 * peak**2


def test_levels_merge_as_if_all_had_been_added_to_one(core: Core) -> None:
    whole, level, block = (core.new("sfm_level") for _ in range(3))
    for samples in ([100, -200, 32124], [32767, -32768, 1]):
        core.lib.sfm_level_add(whole, *pcm(core, samples))
    core.lib.sfm_level_add(level, *pcm(core, [100, -200, 32124]))
    core.lib.sfm_level_add(block, *pcm(core, [32767, -32768, 1]))
    core.lib.sfm_level_merge(level, block)
    fields = ("samples", "sum_of_squares", "peak", "clipped")
    assert [getattr(level, name) for name in fields] == [getattr(whole, name) for name in fields]


def test_runs_of_silence_are_measured(core: Core) -> None:
    detector = core.new("sfm_silence_detector")
    assert core.lib.sfm_silence_detector_init(detector, 50) == 0
    seen = []
    for amplitude in (0, 20, 5000, 5000, 30):
        silent = core.lib.sfm_silence_detector_update(detector, *pcm(core, tone(amplitude, 160)))
        seen.append((silent, detector.silent_samples, detector.active_samples))
    assert seen == [(1, 160, 0), (1, 320, 0), (0, 0, 160), (0, 0, 320), (1, 160, 0)]
    assert core.lib.sfm_silence_detector_update(detector, *pcm(core, [])) == 1
    assert detector.silent_samples == 160


def test_the_threshold_is_where_it_says(core: Core) -> None:
    """An amplitude of -50 dBov is silent at a threshold of 49 and not at 51."""
    square = [103, -103] * 80  # 20 log10(103 / 32768) = -50.05
    verdicts = []
    for threshold in (49, 50, 51):
        detector = core.new("sfm_silence_detector")
        assert core.lib.sfm_silence_detector_init(detector, threshold) == 0
        verdicts.append(core.lib.sfm_silence_detector_update(detector, *pcm(core, square)))
    assert verdicts == [1, 1, 0]


@pytest.mark.parametrize("threshold", [0, 128, -5])
def test_a_threshold_outside_the_scale_is_refused(core: Core, threshold: int) -> None:
    detector = core.new("sfm_silence_detector")
    assert core.lib.sfm_silence_detector_init(detector, threshold) == core.lib.SFM_ERROR_ARGUMENT
