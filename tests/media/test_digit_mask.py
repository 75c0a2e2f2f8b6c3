"""What is left of audio when its digits are taken out: nothing of them, and nearly all of the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sipflow.media import KeptAudio
from sipflow.media.digit_mask import without_digits
from tests.media.signals import round_trip, speech

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
DIGITS = "123A456B789C*0#D"
Samples = np.ndarray[Any, Any]


def digit(
    name: str, seconds: float, *, rate: int = 8000, level_db: float = -13.0, off: float = 0.0, twist_db: float = 0.0
) -> Samples:
    """Both frequencies of it, the high one louder by the twist."""
    low, high = LOW[DIGITS.index(name) // 4] * (1 + off), HIGH[DIGITS.index(name) % 4] * (1 + off)
    time = np.arange(round(seconds * rate)) / rate
    both = np.sin(2 * np.pi * low * time) + 10 ** (twist_db / 20) * np.sin(2 * np.pi * high * time)
    return np.round(both * 32768 * 10 ** (level_db / 20) * 2**0.5 / 2).astype(np.int16)


def masked(left: Samples, right: Samples | None = None, rate: int = 8000) -> Samples:
    """Both channels without digits."""
    frames = np.stack([left, left if right is None else right], axis=1).astype(np.int16)
    return np.frombuffer(without_digits(KeptAudio(rate, frames.tobytes())).frames, np.int16).reshape(-1, 2)


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("name", DIGITS)
def test_nothing_is_left_of_a_digit_however_short_it_is(name: str, rate: int) -> None:
    pause = np.zeros(rate // 10, np.int16)
    for seconds in (0.02, 0.04, 0.1):
        sound = np.concatenate([pause, digit(name, seconds, rate=rate), pause])
        assert not masked(sound, rate=rate).any(), seconds


@pytest.mark.parametrize(
    "how",
    [
        {"off": 0.015},
        {"off": -0.015},
        {"twist_db": 4.0},
        {"twist_db": -8.0},
        {"level_db": -35.0},
        {"level_db": -3.0},
    ],
)
def test_what_a_receiver_takes_at_its_limits_is_hidden(how: dict[str, float]) -> None:
    for name in DIGITS:
        sound = np.concatenate([np.zeros(800, np.int16), digit(name, 0.08, **how), np.zeros(800, np.int16)])
        left = masked(round_trip(sound, "PCMU"))
        assert np.abs(left[400:-400]).max() <= 8, (name, how)


def test_one_that_the_beginning_or_the_end_has_cut_is_hidden() -> None:
    whole = digit("7", 0.2)
    assert not masked(whole).any() and not masked(whole[1100:]).any()
    sound = np.concatenate([np.zeros(4000, np.int16), whole[:200]])
    assert not masked(sound).any()


def test_only_the_side_that_has_a_digit_loses_it() -> None:
    said = speech(1.0)
    left, right = masked(np.concatenate([digit("5", 0.5), np.zeros(4000, np.int16)]), said).T
    assert not left.any()
    assert (right == said).mean() > 0.9


@pytest.mark.parametrize("seed", range(1, 6))
def test_speech_stays(seed: int) -> None:
    said = speech(4.0, seed=seed)
    kept = masked(said)[:, 0]
    assert set(np.unique(kept[kept != said])) <= {0}
    assert (kept == said).mean() > 0.9
