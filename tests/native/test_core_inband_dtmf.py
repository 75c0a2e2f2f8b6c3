"""Digits in the audio: all sixteen at the limits of Q.24, nothing beyond them, none in what is no digit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Core

KEYS = "123A456B789C*0#D"
LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
RANDOM_STARTS = 3


def digit_tone(
    digit: str, ms: float = 40, low_db: float = -16, high_db: float = -16, low_off: float = 0, high_off: float = 0,
    phase: float = 0,
) -> np.ndarray:  # fmt: skip
    """A digit with levels in dBov and frequencies that are off by a share."""
    row, column = divmod(KEYS.index(digit), 4)
    time = np.arange(round(ms * 8)) / 8000
    low = 10 ** (low_db / 20) * np.sin(2 * np.pi * LOW[row] * (1 + low_off) * time + phase)
    high = 10 ** (high_db / 20) * np.sin(2 * np.pi * HIGH[column] * (1 + high_off) * time + 1.7 * phase)
    return 32768 * 2**0.5 * (low + high)


def silence(ms: float) -> np.ndarray:
    return np.zeros(round(ms * 8))


def coded(core: Core, pcm: np.ndarray, codec: str) -> np.ndarray:
    """What is left of it after G.711."""
    samples = np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)
    codes, out = core.ffi.new("uint8_t[]", len(samples)), np.zeros(len(samples), np.int16)
    getattr(core.lib, f"sfm_{codec}_encode")(core.ffi.from_buffer("int16_t[]", samples), len(samples), codes)
    getattr(core.lib, f"sfm_{codec}_decode")(codes, len(samples), core.ffi.from_buffer("int16_t[]", out))
    return out


def heard(core: Core, pcm: np.ndarray) -> list[tuple[str, int]]:
    dtmf, samples = core.new("sfm_inband_dtmf"), np.ascontiguousarray(pcm.astype(np.int16))
    core.lib.sfm_inband_dtmf_init(dtmf)
    found, digit = [], core.new("sfm_inband_digit")
    for start in range(0, len(samples), 160):
        part = np.ascontiguousarray(samples[start : start + 160])
        core.lib.sfm_inband_dtmf_put(dtmf, core.ffi.from_buffer("int16_t[]", part), len(part))
        while core.lib.sfm_inband_dtmf_next(dtmf, digit):
            found.append((digit.digit.decode(), digit.duration_ms))
    return found


def digits(core: Core, pcm: np.ndarray) -> str:
    return "".join(digit for digit, _ in heard(core, pcm))


def starts(digit: str) -> Iterator[tuple[np.ndarray, float]]:
    """Silence of odd lengths before a tone, and its phase: how it falls on the looks must not matter."""
    random = np.random.default_rng(KEYS.index(digit))
    for _ in range(RANDOM_STARTS):
        yield np.zeros(int(random.integers(160, 400))), float(random.uniform(0, 6.28))


def all_found(core: Core, **tone: float) -> bool:
    return all(
        digits(core, coded(core, np.concatenate([before, digit_tone(digit, phase=phase, **tone), silence(80)]), "pcmu"))
        == digit
        for digit in KEYS
        for before, phase in starts(digit)
    )


def none_found(core: Core, **tone: float) -> bool:
    return not any(
        digits(core, coded(core, np.concatenate([before, digit_tone(digit, phase=phase, **tone), silence(80)]), "pcmu"))
        for digit in KEYS
        for before, phase in starts(digit)
    )


@pytest.mark.parametrize("codec", ["pcmu", "pcma"])
def test_all_sixteen_digits_through_g711(core: Core, codec: str) -> None:
    pcm = np.concatenate([part for key in KEYS for part in (silence(60), digit_tone(key, 80))] + [silence(60)])
    assert heard(core, coded(core, pcm, codec)) == [(key, pytest.approx(80, abs=10)) for key in KEYS]


@pytest.mark.parametrize("level_db", [-35, -30, -20, -10, -7])
def test_levels_that_are_to_be_taken(core: Core, level_db: float) -> None:
    assert all_found(core, low_db=level_db, high_db=level_db)  # -35 dBov are -29 dBm0


def test_what_is_too_quiet_is_no_digit(core: Core) -> None:
    assert none_found(core, low_db=-50, high_db=-50)


@pytest.mark.parametrize(("low_db", "high_db"), [(-20, -16), (-16, -24), (-35, -31), (-27, -35)])
def test_twist_either_way_that_is_to_be_taken(core: Core, low_db: float, high_db: float) -> None:
    assert all_found(core, low_db=low_db, high_db=high_db)  # 4 dB and 8 dB: Q.24 table 1


@pytest.mark.parametrize(("low_db", "high_db"), [(-24, -14), (-14, -28)])
def test_twist_beyond_is_no_digit(core: Core, low_db: float, high_db: float) -> None:
    assert none_found(core, low_db=low_db, high_db=high_db)


@pytest.mark.parametrize(("low", "high"), [(0.015, 0.015), (-0.015, -0.015), (0.015, -0.015), (-0.015, 0.015)])
def test_frequencies_off_by_one_and_a_half_percent_are_taken(core: Core, low: float, high: float) -> None:
    assert all_found(core, low_off=low, high_off=high)


@pytest.mark.parametrize(("low", "high"), [(0.035, 0), (-0.035, 0), (0, 0.035), (0, -0.035)])
def test_frequencies_off_by_three_and_a_half_percent_are_not(core: Core, low: float, high: float) -> None:
    assert none_found(core, ms=100, low_off=low, high_off=high)


def test_forty_milliseconds_are_a_digit_and_twenty_three_are_none(core: Core) -> None:
    assert all_found(core, ms=40)
    assert none_found(core, ms=23)


def test_forty_milliseconds_of_pause_part_two_digits_and_a_break_of_ten_does_not(core: Core) -> None:
    for key in KEYS:
        twice = np.concatenate([silence(50), digit_tone(key), silence(40), digit_tone(key), silence(80)])
        broken = np.concatenate([silence(50), digit_tone(key), silence(10), digit_tone(key), silence(80)])
        assert (digits(core, twice), digits(core, broken)) == (key * 2, key)


def test_noise_fifteen_decibels_below_does_not_hide_a_digit(core: Core) -> None:
    random = np.random.default_rng(3)
    for key in KEYS:
        pcm = np.concatenate([silence(50), digit_tone(key, low_db=-20, high_db=-20), silence(80)])
        assert digits(core, pcm + random.normal(0, 32768 * 10 ** (-32 / 20), len(pcm))) == key


@pytest.mark.parametrize("frequencies", [(697,), (1209,), (697, 770), (440, 480), (350, 440), (697, 1209, 1900)])
def test_tones_that_are_no_digit(core: Core, frequencies: tuple[float, ...]) -> None:
    time = np.arange(8000) / 8000
    assert not digits(core, sum(4000 * np.sin(2 * np.pi * one * time) for one in frequencies))


def test_half_a_minute_of_music_has_no_digit(core: Core) -> None:
    random, time = np.random.default_rng(11), np.arange(2000) / 8000
    notes = 110 * 2 ** (np.arange(48) / 12)
    chords = []
    for _ in range(120):  # a quarter second each, three notes with overtones that die away
        chord = sum(
            np.exp(-time * harmonic * 2) * np.sin(2 * np.pi * note * harmonic * time) / harmonic
            for note in random.choice(notes, 3, replace=False)
            for harmonic in range(1, 6)
        )
        chords.append(2500 * chord)
    assert not digits(core, np.concatenate(chords))


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
def test_what_is_written_is_heard(core: Core, rate: int) -> None:
    out = []
    for key in KEYS:
        length = rate // 10
        pcm = np.zeros(length, np.int16)
        for start in range(0, length, rate // 50):  # written in pieces it is the same tone
            part = core.ffi.from_buffer("int16_t[]", pcm[start : start + rate // 50])
            assert core.lib.sfm_inband_dtmf_write(key.encode(), rate, 13, start, length, part, rate // 50) == 0
        out += [pcm[:: rate // 8000], np.zeros(800, np.int16)]
    assert digits(core, np.concatenate(out)) == KEYS


def test_what_cannot_be_written(core: Core) -> None:
    pcm = core.ffi.new("int16_t[160]")
    write = core.lib.sfm_inband_dtmf_write
    assert write(b"x", 8000, 13, 0, 160, pcm, 160) == core.lib.SFM_ERROR_DIGIT
    for rate, level, length in ((4000, 13, 160), (8000, 0, 160), (8000, 70, 160), (8000, 13, 100)):
        assert write(b"1", rate, level, 0, length, pcm, 160) == core.lib.SFM_ERROR_ARGUMENT
