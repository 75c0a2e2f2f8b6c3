"""An ear: levels, bands against the twin, the frequencies of tones, audio of any rate, what is remembered."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest import Core
from twins import hearing

BANDS, PEAKS, DIGITS = 1, 2, 4


def ear_of(core: Core, skills: int, history_ms: int = 60_000) -> Any:
    out = core.ffi.new("sfm_ear **")
    assert core.lib.sfm_ear_create(core.new("sfm_ear_config", skills=skills, history_ms=history_ms), out) == 0
    return core.owned(out[0], core.lib.sfm_ear_destroy)


def put(core: Core, ear: Any, pcm: np.ndarray, rate: int = 8000, *, pause: bool = False) -> None:
    samples = np.ascontiguousarray(np.clip(np.rint(pcm), -32768, 32767).astype(np.int16))
    core.lib.sfm_ear_put(ear, core.ffi.from_buffer("int16_t[]", samples), len(samples), rate, pause)


def frames(core: Core, ear: Any) -> list[Any]:
    first, end = core.lib.sfm_ear_oldest(ear), core.lib.sfm_ear_frames(ear)
    return [core.lib.sfm_ear_frame_at(ear, number) for number in range(first, end)]


def tone(frequencies: tuple[float, ...], seconds: float = 1.0, rate: int = 8000, amplitude: float = 4000) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return sum(amplitude * np.sin(2 * np.pi * one * time) for one in frequencies)


def noise(seconds: float, level: float = 3000, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, level, int(8000 * seconds))


def test_bands_are_those_of_the_twin(core: Core) -> None:
    pcm = np.rint(np.concatenate([noise(0.5), tone((440, 1000), 0.5), np.zeros(1600), noise(0.3, 20)]))
    ear = ear_of(core, BANDS)
    put(core, ear, pcm)
    ours = np.array([list(frame.bands) for frame in frames(core, ear)])
    np.testing.assert_allclose(ours, hearing.bands(pcm), atol=1.0)


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 32000, 48000])
def test_audio_of_any_rate_sounds_the_same(core: Core, rate: int) -> None:
    expected, ear = hearing.bands(tone((300, 1100, 2500), 1.0)), ear_of(core, BANDS)
    put(core, ear, tone((300, 1100, 2500), 1.0, rate), rate)
    ours = np.array([list(frame.bands) for frame in frames(core, ear)])
    loud = expected[10:] > 100
    np.testing.assert_allclose(ours[10:][loud], expected[10:][loud], rtol=0.05)


def test_what_lies_above_the_telephone_band_does_not_fold_back(core: Core) -> None:
    ear = ear_of(core, PEAKS)
    put(core, ear, tone((5500,), 1.0, 48000), 48000)
    assert all(frame.level_dbov >= 65 for frame in frames(core, ear)[10:])


def test_the_rate_may_change_in_the_middle(core: Core) -> None:
    ear = ear_of(core, PEAKS)
    put(core, ear, tone((440,), 0.5))
    put(core, ear, tone((440,), 0.5, 48000), 48000)
    put(core, ear, tone((440,), 0.5, 44100), 44100)  # no such codec: not heard at all
    heard = frames(core, ear)
    assert len(heard) == 50
    assert abs(heard[-1].peak_hz8[0] / 8 - 440) < 2


@pytest.mark.parametrize("frequency", [101.5, 350, 425, 440, 1000.3, 2100, 3400])
def test_a_tone_is_told_to_a_hertz(core: Core, frequency: float) -> None:
    ear = ear_of(core, PEAKS)
    put(core, ear, tone((frequency,)))
    frame = frames(core, ear)[-1]
    assert frame.peak_hz8[0] / 8 == pytest.approx(frequency, abs=1)
    assert frame.peak_dbov[0] == pytest.approx(21, abs=1)  # 4000 of 32768 at the peak: -21.3 dBov


@pytest.mark.parametrize("pair", [(350, 440), (440, 480), (480, 620), (400, 450), (697, 1209), (941, 1633)])
def test_two_tones_are_told_apart(core: Core, pair: tuple[float, float]) -> None:
    ear = ear_of(core, PEAKS)
    put(core, ear, tone(pair))
    for frame in frames(core, ear)[10:]:
        assert sorted(hz8 / 8 for hz8 in frame.peak_hz8) == pytest.approx(list(pair), abs=3)


def test_a_pause_of_the_sender_is_silence_whatever_comforts_the_listener(core: Core) -> None:
    ear = ear_of(core, 0)
    put(core, ear, noise(0.1))
    put(core, ear, noise(0.1), pause=True)
    assert [frame.level_dbov < 50 for frame in frames(core, ear)] == [True] * 5 + [False] * 5


def test_only_the_last_seconds_are_remembered(core: Core) -> None:
    ear = ear_of(core, 0, 1000)
    put(core, ear, noise(5))
    assert core.lib.sfm_ear_frames(ear) - core.lib.sfm_ear_oldest(ear) == 51
    copy = core.ffi.new("sfm_ear_frame[]", 250)
    assert core.lib.sfm_ear_copy(ear, 0, copy, 250) == 250
    assert [copy[i].level_dbov for i in (0, 198)] == [127, 127] and copy[199].level_dbov < 50


def test_what_is_not_asked_for_is_not_there(core: Core) -> None:
    ear = ear_of(core, 0)
    put(core, ear, tone((440,)))
    assert all(not any(frame.bands) and not any(frame.peak_hz8) for frame in frames(core, ear))


def test_memory_that_is_refused_is_an_error(core: Core) -> None:
    out = core.ffi.new("sfm_ear **")
    core.lib.allocations_until_failure = 0
    try:
        assert core.lib.sfm_ear_create(core.new("sfm_ear_config", history_ms=1000), out) == core.lib.SFM_ERROR_MEMORY
    finally:
        core.lib.allocations_until_failure = -1
    too_long = core.new("sfm_ear_config", history_ms=4_000_000)
    assert core.lib.sfm_ear_create(too_long, out) == core.lib.SFM_ERROR_ARGUMENT


@pytest.mark.parametrize("size", [64, 512, 1024])
def test_the_spectrum_is_that_of_the_formula(core: Core, size: int) -> None:
    spectrum, pcm = core.new("sfm_spectrum"), np.rint(noise(1)[:size]).astype(np.int16)
    assert core.lib.sfm_spectrum_init(spectrum, size) == 0
    power = np.zeros(size // 2, np.float32)
    core.lib.sfm_spectrum_power(
        spectrum, core.ffi.from_buffer("int16_t[]", pcm), core.ffi.from_buffer("float[]", power)
    )
    np.testing.assert_allclose(power, hearing.power(pcm.astype(float)), rtol=1e-3, atol=1.0)


@pytest.mark.parametrize("size", [0, 32, 100, 2048])
def test_a_spectrum_has_a_size_that_is_a_power_of_two(core: Core, size: int) -> None:
    assert core.lib.sfm_spectrum_init(core.new("sfm_spectrum"), size) == core.lib.SFM_ERROR_ARGUMENT


def test_the_slope_of_what_is_too_low_to_be_a_tone_is_no_tone_elsewhere(core: Core) -> None:
    """The strongest within the range may have no top there; what is said of it stays where it was found."""
    for hum in np.arange(1.0, 62.0, 0.5):
        ear = ear_of(core, PEAKS)
        put(core, ear, tone((hum,), 0.4, amplitude=30000))
        heard = [peak for frame in frames(core, ear) for peak in frame.peak_hz8 if peak]
        assert heard and min(heard) >= 8 * 7 * 7.8 and max(heard) <= 8 * 4000, hum
